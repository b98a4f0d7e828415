package jambic.serve.http;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
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
    try {
      Certificate[] chain = chain(tls.certificate());
      PrivateKey key = key(tls.key(), chain[0].getPublicKey().getAlgorithm());
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      store.setKeyEntry("server", key, new char[0], chain);
      return store;
    } catch (GeneralSecurityException | IOException e) {
      throw new JambicException(
          Text.format(
              "%s and %s cannot be used as a certificate and its key: %s",
              tls.certificate(), tls.key(), e.getMessage()),
          e);
    }
  }

  private static Certificate[] chain(Path file) throws GeneralSecurityException, IOException {
    try (InputStream in = Files.newInputStream(file)) {
      Certificate[] chain =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(in)
              .toArray(Certificate[]::new);
      if (chain.length == 0) {
        throw new JambicException(file + " holds no certificate; a PEM file is needed");
      }
      return chain;
    }
  }

  private static PrivateKey key(Path file, String algorithm)
      throws GeneralSecurityException, IOException {
    Matcher found = KEY.matcher(Files.readString(file));
    if (!found.find()) {
      throw new JambicException(
          file
              + " holds no private key as PKCS#8 without a password; 'openssl pkcs8 -topk8 -nocrypt' makes one of others");
    }
    byte[] bytes = Base64.getMimeDecoder().decode(found.group(1));
    return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(bytes));
  }
}
