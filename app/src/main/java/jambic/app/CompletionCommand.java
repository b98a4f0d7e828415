package jambic.app;

import jambic.model.io.ErrorText;
import jambic.tensor.text.Text;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
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
  private static final List<String> SHELLS = List.of("bash", "zsh");

  /** Where the script has nothing to offer, the shell may offer files: most values are. */
  private static final String NO_FILES = "(?m)^ *type compopt .*\\+o default\\R";

  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "SHELL",
      description = "bash or zsh: the script is for both.")
  private Optional<String> shell = Optional.empty();

  @Override
  public Integer call() {
    if (shell.filter(name -> !SHELLS.contains(name)).isPresent()) {
      throw new ParameterException(
          spec.commandLine(),
          Text.format(
              "there is no script for %s; bash and zsh have one", ErrorText.quote(shell.get())));
    }
    String script = AutoComplete.bash("jambic", spec.root().commandLine());
    spec.commandLine().getOut().print(script.replaceAll(NO_FILES, ""));
    spec.commandLine().getOut().flush();
    return 0;
  }
}
