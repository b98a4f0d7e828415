package jambic.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.serve.http.Route;
import jambic.serve.http.WebOptions;
import jambic.serve.http.WebServer;
import jambic.tensor.JambicException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Certificates by the JDK's keytool. */
class TlsTest {
  @TempDir private Path folder;
  private Path certificate;
  private Path key;

  @BeforeEach
  void make() throws Exception {
    certificate = folder.resolve("server.pem");
    key = folder.resolve("server.key");
    make("server", certificate, key, "RSA");
  }

  private void make(String name, Path pem, Path privateKey, String algorithm) throws Exception {
    Path store = folder.resolve(name + ".p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "a",
                "-keyalg",
                algorithm,
                "-dname",
                "CN=localhost",
                "-keystore",
                store.toString(),
                "-storetype",
                "PKCS12",
                "-storepass",
                "secret")
            .redirectErrorStream(true)
            .start();
    String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(keytool.waitFor()).as(said).isZero();
    KeyStore keys = KeyStore.getInstance(store.toFile(), "secret".toCharArray());
    Files.writeString(pem, pem("CERTIFICATE", keys.getCertificate("a").getEncoded()));
    Files.writeString(
        privateKey, pem("PRIVATE KEY", keys.getKey("a", "secret".toCharArray()).getEncoded()));
  }

  private static String pem(String what, byte[] bytes) {
    return "-----BEGIN "
        + what
        + "-----\n"
        + Base64.getMimeEncoder().encodeToString(bytes)
        + "\n-----END "
        + what
        + "-----\n";
  }

  private static WebServer start(Path certificate, Path key) {
    WebOptions options =
        new WebOptions(
            "127.0.0.1",
            0,
            Optional.empty(),
            Set.of(),
            Set.of(),
            1000,
            WebOptions.DEFAULT.writeTimeout(),
            Optional.of(new WebOptions.Tls(certificate, key)));
    return WebServer.start(
        options, List.of(Route.openGet("/health", exchange -> exchange.respond(204))));
  }

  private void assertRefused(Path certificate, Path key, String message) {
    assertThatThrownBy(() -> start(certificate, key))
        .isInstanceOf(JambicException.class)
        .hasMessage(message);
  }

  @Test
  void bothMakeItHttps() {
    try (WebServer server = start(certificate, key)) {
      assertThat(server.address()).hasScheme("https");
    }
  }

  @Test
  void aFileThatIsMissingIsNamed() {
    Path absent = folder.resolve("absent.pem");
    assertRefused(
        absent, key, "cannot read the certificate " + absent + ": there is no such file or folder");
    assertRefused(
        certificate, absent, "cannot read the key " + absent + ": there is no such file or folder");
    assertRefused(certificate, folder, "cannot read the key " + folder + ": Is a directory");
  }

  @Test
  void aFileThatIsDamagedIsNamed() throws Exception {
    Path broken = folder.resolve("broken.pem");
    Files.writeString(broken, Files.readString(certificate).substring(0, 300));
    assertRefused(
        broken,
        key,
        broken
            + " holds no certificate that can be read; a PEM file is needed (BEGIN CERTIFICATE)");
    Files.writeString(broken, Files.readString(key).replaceFirst("MII[^\r\n]*\r?\n", ""));
    assertRefused(
        certificate,
        broken,
        "the private key in " + broken + " is damaged, or not of the certificate's kind (RSA)");
    Files.write(broken, new byte[] {-1, -2, 0});
    assertRefused(
        certificate,
        broken,
        broken
            + " holds no private key as PKCS#8 without a password; 'openssl pkcs8 -topk8 -nocrypt' makes one of others");
  }

  @Test
  void aKeyOfAnotherCertificateIsRefused() throws Exception {
    Path other = folder.resolve("other.pem");
    Path otherKey = folder.resolve("other.key");
    make("other", other, otherKey, "RSA");
    assertRefused(
        certificate,
        otherKey,
        "the key in " + otherKey + " is not that of the certificate in " + certificate);
    make("ec", other, otherKey, "EC");
    assertRefused(
        certificate,
        otherKey,
        "the private key in " + otherKey + " is damaged, or not of the certificate's kind (RSA)");
    try (WebServer server = start(other, otherKey)) {
      assertThat(server.address()).hasScheme("https");
    }
  }
}
