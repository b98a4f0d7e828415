package jambic.app.cli;

import jambic.model.gpt.PublishedGpt;
import jambic.tensor.Backends;
import jambic.tensor.spi.BackendProvider;
import jambic.train.config.Preset;
import jambic.train.config.TranslationPreset;
import jambic.train.plan.DeviceSpec;
import jambic.train.plan.Network;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a shell completes the values of options with; picocli makes each by its class. Two options
 * of a command that are completed need labels that differ: the script has a variable for each
 * label.
 */
public final class CompletionValues {
  /** The device of {@code plan} that is this machine. */
  public static final String CPU = "cpu";

  private CompletionValues() {}

  /** The presets of a run. */
  public static final class Presets implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Stream.concat(
              Stream.of(Preset.values()).map(Preset::presetName),
              Stream.of(TranslationPreset.values()).map(TranslationPreset::presetName))
          .iterator();
    }
  }

  /** What can be planned: a preset or a published model. */
  public static final class Plans implements Iterable<String> {
    public static final List<String> NAMES =
        Stream.of(
                Stream.of(Preset.values()).map(Preset::presetName),
                Stream.of(TranslationPreset.values()).map(TranslationPreset::presetName),
                PublishedGpt.names().stream())
            .flatMap(names -> names)
            .toList();

    @Override
    public Iterator<String> iterator() {
      return NAMES.iterator();
    }
  }

  /** What a plan knows the speed and the memory of. */
  public static final class Devices implements Iterable<String> {
    public static final List<String> NAMES =
        Stream.concat(Stream.of(CPU), DeviceSpec.KNOWN.stream().map(DeviceSpec::name)).toList();

    @Override
    public Iterator<String> iterator() {
      return NAMES.iterator();
    }
  }

  /** What devices of a plan talk over. */
  public static final class Networks implements Iterable<String> {
    public static final List<String> NAMES = Network.KNOWN.stream().map(Network::name).toList();

    @Override
    public Iterator<String> iterator() {
      return NAMES.iterator();
    }
  }

  /** Where to compute, or not to care. */
  static final class Computing implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Stream.concat(
              Stream.of(BackendOptions.AUTO),
              Backends.providers().stream().map(BackendProvider::name))
          .iterator();
    }
  }

  /** What to compute with. */
  static final class Types implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return BackendOptions.TYPES.stream().map(Object::toString).iterator();
    }
  }
}
