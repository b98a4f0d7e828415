package jambic.app.serve;

import jambic.model.io.ErrorText;
import jambic.serve.http.WebOptions;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Where and for whom a server listens. */
public final class WebFlags {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      defaultValue = "127.0.0.1",
      description =
          "Address to listen on. Another than this machine's own needs --api-key-file. Default:"
              + " ${DEFAULT-VALUE}.")
  private String host;

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "8080",
      description = "Port to listen on; 0 for any that is free. Default: ${DEFAULT-VALUE}.")
  private int port;

  @Option(
      names = "--api-key-file",
      paramLabel = "FILE",
      description =
          "File with the key that clients must send (Authorization: Bearer KEY). Default: none is"
              + " needed.")
  private Optional<Path> apiKeyFile = Optional.empty();

  @Option(
      names = "--allow-host",
      paramLabel = "NAME",
      description =
          "Name that clients may call this server by, besides localhost and its addresses. May be"
              + " given more than once. Default: no other.")
  private List<String> allowedHosts = List.of();

  @Option(
      names = "--allow-origin",
      paramLabel = "ORIGIN",
      description =
          "Pages of another server that may ask here, as https://example.org. May be given more than"
              + " once. Default: no other.")
  private List<String> allowedOrigins = List.of();

  @Option(
      names = "--max-body",
      paramLabel = "BYTES",
      defaultValue = "1048576",
      description = "Longest request; longer ones are refused (413). Default: ${DEFAULT-VALUE}.")
  private int maxBody;

  @Option(
      names = "--write-timeout",
      paramLabel = "SECONDS",
      defaultValue = "30",
      description =
          "A client that takes nothing for so long is cut off. Default: ${DEFAULT-VALUE}.")
  private double writeTimeout;

  @Option(
      names = "--tls-cert",
      paramLabel = "FILE",
      description = "Certificate and those above it, PEM: serves https. Default: http.")
  private Optional<Path> certificate = Optional.empty();

  @Option(
      names = "--tls-key",
      paramLabel = "FILE",
      description = "Its private key, PKCS#8 in PEM without a password. Default: http.")
  private Optional<Path> key = Optional.empty();

  /** For the command line. */
  public WebFlags() {}

  WebOptions options() {
    if (certificate.isPresent() != key.isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "--tls-cert and --tls-key belong together; give both");
    }
    if (!(writeTimeout >= 0.1 && writeTimeout <= 86_400)) {
      throw new ParameterException(
          spec.commandLine(),
          "--write-timeout must be from 0.1 to 86400 seconds, not " + writeTimeout);
    }
    Set<String> origins = new HashSet<>();
    allowedOrigins.forEach(origin -> origins.add(origin(origin)));
    Set<String> hosts = new HashSet<>();
    allowedHosts.forEach(name -> hosts.add(name.toLowerCase(Locale.ROOT)));
    Optional<String> apiKey = apiKeyFile.map(WebFlags::apiKey);
    try {
      return new WebOptions(
          host,
          port,
          apiKey,
          hosts,
          origins,
          maxBody,
          Duration.ofMillis(Math.round(writeTimeout * 1000)),
          certificate.map(file -> new WebOptions.Tls(file, key.orElseThrow())));
    } catch (JambicException e) {
      String how =
          apiKey.isEmpty() && e.getMessage().startsWith("host ") ? " (--api-key-file)" : "";
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage() + how, e);
    }
  }

  private String origin(String given) {
    if (!given.matches("https?://[^/\\s]+")) {
      throw new ParameterException(
          spec.commandLine(),
          Text.format(
              "--allow-origin is a scheme and a host, as https://example.org, not %s",
              ErrorText.quote(given)));
    }
    return given;
  }

  private static String apiKey(Path file) {
    try {
      String key = Files.readString(file).strip();
      if (key.isEmpty()) {
        throw new JambicException(file + " holds no API key; put one there, on a line");
      }
      return key;
    } catch (IOException e) {
      throw new JambicException("cannot read " + file + ": " + ErrorText.reason(e), e);
    }
  }
}
