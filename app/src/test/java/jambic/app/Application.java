package jambic.app;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The application in a process of its own, on the module path as users start it. */
public final class Application {
  private Application() {}

  /** Starts it; what it prints is appended to a file. */
  public static Process start(Path log, List<String> args) throws IOException {
    return process(args)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
        .start();
  }

  /** One to start. */
  static ProcessBuilder process(List<String> args) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"));
    command.addAll(List.of("-p", System.getProperty("jdk.module.path")));
    command.addAll(List.of("-m", "jambic.app/jambic.app.Main"));
    command.addAll(args);
    return new ProcessBuilder(command);
  }
}
