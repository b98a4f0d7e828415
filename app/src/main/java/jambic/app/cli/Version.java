package jambic.app.cli;

import java.lang.module.ModuleDescriptor;
import java.util.Optional;
import picocli.CommandLine.IVersionProvider;

/** The version of Jambic and of the Java it runs on. */
public final class Version implements IVersionProvider {

  @Override
  public String[] getVersion() {
    return new String[] {"jambic " + own(), "Java " + Runtime.version()};
  }

  /** The module descriptor knows it; in the executable jar, which has none, the manifest does. */
  public static String own() {
    return Optional.ofNullable(Version.class.getModule().getDescriptor())
        .flatMap(ModuleDescriptor::rawVersion)
        .or(() -> Optional.ofNullable(Version.class.getPackage().getImplementationVersion()))
        .orElse("(unpackaged)");
  }
}
