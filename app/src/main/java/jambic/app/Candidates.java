package jambic.app;

import jambic.model.GptFamily;
import jambic.tensor.Backends;
import jambic.tensor.spi.BackendProvider;
import jambic.train.Device;
import jambic.train.Preset;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a shell completes the values of options with; picocli makes each by its class. Two options
 * of a command that are completed need labels that differ: the script has a variable for each
 * label.
 */
final class Candidates {
  /** The device of {@code plan} that is this machine. */
  static final String CPU = "cpu";

  private Candidates() {}

  /** The presets of a run. */
  static final class Presets implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Stream.of(Preset.values()).map(Preset::presetName).iterator();
    }
  }

  /** What can be planned: a preset or a published model. */
  static final class Plans implements Iterable<String> {
    static final List<String> NAMES =
        Stream.concat(
                Stream.of(Preset.values()).map(Preset::presetName), GptFamily.names().stream())
            .toList();

    @Override
    public Iterator<String> iterator() {
      return NAMES.iterator();
    }
  }

  /** What a plan knows the speed and the memory of. */
  static final class Devices implements Iterable<String> {
    static final List<String> NAMES =
        Stream.concat(Stream.of(CPU), Device.KNOWN.stream().map(Device::name)).toList();

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
