package jambic.train.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.model.io.Safetensors;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.Philox;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.BackendProvider;
import jambic.tensor.spi.BackendProvider.Available;
import jambic.tensor.spi.Region;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MuonTest {
  private static final Muon.Settings SETTINGS = new Muon.Settings(0.02, 1e-3, 0.95, 0.1);
  private static final AdamW.Settings ADAMW =
      new AdamW.Settings(0.9, 0.99, 1e-8, 0.1, WeightDecayMode.MATRICES);

  static Stream<String> backends() {
    return Backends.providers().stream()
        .filter(provider -> provider.probe() instanceof Available)
        .map(BackendProvider::name);
  }

  /** The fixture is made by {@code parity/muon.py}, in double precision. */
  @ParameterizedTest
  @MethodSource("backends")
  void threeStepsAreThoseOfPyTorch(String name) throws Exception {
    Path file = Path.of(MuonTest.class.getResource("/parity/muon.safetensors").toURI());
    try (Backend backend = Backends.open(name, 2);
        Region region = backend.region();
        Safetensors fixture = Safetensors.open(file)) {
      SequencedMap<String, Tensor> parameters = new LinkedHashMap<>();
      for (String parameter :
          List.of(
              "wte.weight",
              "h.0.tall.weight",
              "h.0.wide.weight",
              "h.0.taller.weight",
              "h.0.attn.c_attn.weight",
              "h.0.mlp.bias")) {
        List<Long> dims = fixture.entry("param/" + parameter).shape();
        Tensor tensor = trained(region, dims.stream().mapToInt(Math::toIntExact).toArray());
        tensor.set(floats(fixture, "param/" + parameter));
        parameters.put(parameter, tensor);
      }
      Tensor clip = region.allocate(DType.F32, Shape.of(1));
      Muon muon = new Muon(backend, region, parameters, SETTINGS, ADAMW, clip);
      Program update = backend.capture(muon::update);
      float[] rates = floats(fixture, "rates");
      for (int t = 0; t < rates.length; t++) {
        clip.set(floats(fixture, "clips")[t]);
        for (Map.Entry<String, Tensor> one : parameters.entrySet()) {
          int size = Math.toIntExact(one.getValue().size());
          float[] all = floats(fixture, "grad/" + one.getKey());
          one.getValue().grad().set(Arrays.copyOfRange(all, t * size, (t + 1) * size));
        }
        muon.prepare(t + 1, rates[t]);
        update.run();
      }
      parameters.forEach((key, tensor) -> requireClose(fixture, "trained/" + key, tensor));
      muon.state()
          .forEach((key, tensor) -> {
            if (key.startsWith("momentum.")) {
              requireClose(fixture, "momentum/" + key.substring("momentum.".length()), tensor);
            }
          });
    }
  }

  private static void requireClose(Safetensors fixture, String name, Tensor tensor) {
    float[] expected = floats(fixture, name);
    float[] actual = tensor.toFloats();
    assertThat(actual).as(name).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      double limit = 1e-5 + 1e-4 * Math.abs(expected[i]);
      assertThat((double) actual[i]).as("%s[%d]", name, i).isCloseTo(expected[i], within(limit));
    }
  }

  private static float[] floats(Safetensors fixture, String name) {
    Safetensors.Entry entry = fixture.entry(name);
    float[] values = new float[Math.toIntExact(entry.size())];
    entry.readFloats(values, 0);
    return values;
  }

  @Test
  void theStateIsAMomentumOfEachMatrixOfTheBlocksAndAdamWsOfAllElse() {
    try (Backend backend = Backends.open("cpu", 1);
        Region region = backend.region()) {
      SequencedMap<String, Tensor> parameters = new LinkedHashMap<>();
      parameters.put("wte.weight", trained(region, 5, 4));
      parameters.put("h.0.ln_1.weight", trained(region, 4));
      parameters.put("h.0.attn.c_attn.weight", trained(region, 12, 4));
      parameters.put("h.0.mlp.c_fc.weight", region.allocate(DType.F32, Shape.of(16, 4))); // frozen
      parameters.put("lm_head.weight", trained(region, 5, 4));
      Tensor clip = region.allocate(DType.F32, Shape.of(1));
      Muon muon = new Muon(backend, region, parameters, SETTINGS, ADAMW, clip);
      assertThat(muon.state().sequencedKeySet())
          .containsExactly(
              "momentum.h.0.attn.c_attn.weight",
              "m.wte.weight",
              "v.wte.weight",
              "m.h.0.ln_1.weight",
              "v.h.0.ln_1.weight",
              "m.lm_head.weight",
              "v.lm_head.weight");
      assertThat(muon.state().get("momentum.h.0.attn.c_attn.weight").shape())
          .isEqualTo(Shape.of(12, 4));
      assertThat(muon.trained()).hasSize(4);
    }
  }

  @Test
  void anyNumberOfThreadsGivesTheSameBits() {
    assertThat(afterTwoSteps(2)).usingRecursiveComparison().isEqualTo(afterTwoSteps(1));
  }

  private static Map<String, float[]> afterTwoSteps(int threads) {
    try (Backend backend = Backends.open("cpu", threads);
        Region region = backend.region()) {
      SequencedMap<String, Tensor> parameters = new LinkedHashMap<>();
      parameters.put("h.0.attn.c_attn.weight", trained(region, 3 * 131, 131));
      parameters.put("h.0.mlp.c_fc.weight", trained(region, 300, 131));
      parameters.put("h.0.mlp.c_proj.weight", trained(region, 131, 300));
      parameters.put("h.0.small.weight", trained(region, 5, 300)); // few rows
      Tensor clip = region.allocate(DType.F32, Shape.of(1));
      clip.set(0.5f);
      Muon muon = new Muon(backend, region, parameters, SETTINGS, ADAMW, clip);
      for (int t = 1; t <= 2; t++) {
        for (Tensor tensor : parameters.values()) {
          Philox random = new Philox(t, tensor.dim(0));
          float[] values = new float[Math.toIntExact(tensor.size())];
          for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
          }
          tensor.grad().set(values);
        }
        muon.prepare(t, 1e-3);
        muon.update();
      }
      Map<String, float[]> all = new LinkedHashMap<>();
      parameters.forEach((name, tensor) -> all.put(name, tensor.toFloats()));
      muon.state().forEach((name, tensor) -> all.put(name, tensor.toFloats()));
      return all;
    }
  }

  @Test
  void aGradientOfZerosOnlyDecays() {
    try (Backend backend = Backends.open("cpu", 1);
        Region region = backend.region()) {
      Tensor weight = trained(region, 3, 2);
      weight.set(1f, 2f, 3f, 4f, 5f, 6f);
      Tensor clip = region.allocate(DType.F32, Shape.of(1));
      clip.set(1f);
      Muon muon = new Muon(backend, region, Map.of("h.0.w", weight), SETTINGS, ADAMW, clip);
      muon.prepare(1, 1e-3);
      muon.update();
      float kept = (float) (1 - (double) 0.02f * 0.1f);
      assertThat(weight.toFloats())
          .containsExactly(kept, 2 * kept, 3 * kept, 4 * kept, 5 * kept, 6 * kept);
    }
  }

  /** Zeros, with a gradient of zeros. */
  private static Tensor trained(Region region, int... dims) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(dims));
    Tensor grad = region.allocate(DType.F32, Shape.of(dims));
    float[] zeros = new float[Math.toIntExact(tensor.size())];
    tensor.set(zeros);
    grad.set(zeros);
    tensor.setGrad(grad);
    return tensor;
  }
}
