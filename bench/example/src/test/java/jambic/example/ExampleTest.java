package jambic.example;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExampleTest {
  @Test
  void trainsAndWrites(@TempDir Path temp) throws Exception {
    Path text = temp.resolve("text.txt");
    Files.writeString(text, "To be, or not to be: that is the question.\n".repeat(50));
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream before = System.out;
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      Example.main(new String[] {text.toString(), temp.resolve("run").toString(), "20"});
    } finally {
      System.setOut(before);
    }
    String output = printed.toString(StandardCharsets.UTF_8);
    assertThat(output).contains("0: validation loss ", "20: validation loss ");
    assertThat(output.length()).isGreaterThan(230);
    assertThat(temp.resolve("run/last/model.safetensors")).exists();
  }
}
