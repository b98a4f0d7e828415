package jambic.app;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Teaches a shell the commands. */
@Command(
    name = "completion",
    description = "Prints a script that completes commands and flags in bash and zsh.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic completion > ~/.local/share/bash-completion/completions/jambic",
      "  source <(jambic completion)                       this shell only"
    })
final class CompletionCommand implements Callable<Integer> {
  /** Where the script has nothing to offer, the shell may offer files: most values are. */
  private static final String NO_FILES = "(?m)^ *type compopt .*\\+o default\\R";

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    String script = AutoComplete.bash("jambic", spec.root().commandLine());
    spec.commandLine().getOut().print(script.replaceAll(NO_FILES, ""));
    spec.commandLine().getOut().flush();
    return 0;
  }
}
