package jambic.serve.http;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads a certificate and its key as most programs write them: PEM. */
final class TlsFiles {
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");

  private TlsFiles() {}

  /** Both, under a name of their own and without a password. */
  static KeyStore keyStore(WebOptions.Tls tls) {
    Certificate[] chain = chain(tls.certificate());
    PublicKey certified = chain[0].getPublicKey();
    PrivateKey key = key(tls.key(), certified.getAlgorithm());
    try {
      if (!belongTogether(key, certified)) {
        throw new JambicException(
            Text.format(
                "the key in %s is not that of the certificate in %s",
                tls.key(), tls.certificate()));
      }
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      store.setKeyEntry("server", key, new char[0], chain);
      return store;
    } catch (GeneralSecurityException | IOException e) {
      throw new JambicException(
          Text.format(
              "%s and %s cannot be used as a certificate and its key: %s",
              tls.certificate(), tls.key(), ErrorText.complaint(String.valueOf(e.getMessage()))),
          e);
    }
  }

  private static Certificate[] chain(Path file) {
    try {
      Certificate[] chain =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(read(file, "certificate")))
              .toArray(Certificate[]::new);
      if (chain.length > 0) {
        return chain;
      }
    } catch (GeneralSecurityException broken) {
      // As one without any.
    }
    throw new JambicException(
        file + " holds no certificate that can be read; a PEM file is needed (BEGIN CERTIFICATE)");
  }

  private static PrivateKey key(Path file, String algorithm) {
    Matcher found = KEY.matcher(new String(read(file, "key"), StandardCharsets.ISO_8859_1));
    if (!found.find()) {
      throw new JambicException(
          file
              + " holds no private key as PKCS#8 without a password; 'openssl pkcs8 -topk8 -nocrypt' makes one of others");
    }
    try {
      byte[] bytes = Base64.getMimeDecoder().decode(found.group(1));
      return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(bytes));
    } catch (GeneralSecurityException | IllegalArgumentException broken) {
      throw new JambicException(
          Text.format(
              "the private key in %s is damaged, or not of the certificate's kind (%s)",
              file, algorithm),
          broken);
    }
  }

  private static byte[] read(Path file, String what) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new JambicException(
          Text.format("cannot read the %s %s: %s", what, file, ErrorText.reason(e)), e);
    }
  }

  /** Clients would find out one by one, and the server not at all. */
  private static boolean belongTogether(PrivateKey key, PublicKey certified)
      throws GeneralSecurityException {
    byte[] something = {1, 2, 3};
    String algorithm =
        switch (certified.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> certified.getAlgorithm();
        };
    Signature signer = Signature.getInstance(algorithm);
    signer.initSign(key);
    signer.update(something);
    byte[] signature = signer.sign();
    signer.initVerify(certified);
    signer.update(something);
    try {
      return signer.verify(signature);
    } catch (SignatureException ofAnotherSize) {
      return false;
    }
  }
}
