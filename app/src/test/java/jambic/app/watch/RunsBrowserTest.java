package jambic.app.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import jambic.app.TinyRun;
import jambic.browser.Browser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The page of runs in a browser. */
@Timeout(120)
class RunsBrowserTest {
  @TempDir private Path folder;

  @Test
  void axeFindsNothingAndADamagedRunIsNotCompared() throws Exception {
    Optional<Browser> found = Browser.find();
    assumeTrue(
        found.isPresent(),
        "SKIPPED: there is no chromium with its driver to look at the page with");
    Path runs = Files.createDirectories(folder.resolve("runs"));
    Path text = TinyRun.text(folder);
    TinyRun.train(text, runs.resolve("one"));
    TinyRun.train(text, runs.resolve("two"), "--learning-rate=0.01");
    TinyRun.train(text, runs.resolve("torn"));
    Files.writeString(runs.resolve("torn/run.json"), "{");
    try (Browser browser = found.get();
        WatchServer server = WatchServer.start(runs, 0)) {
      browser.open(server.page());
      for (int width : List.of(1200, 400)) {
        browser.resize(width);
        browser.await("document.querySelectorAll('#charts canvas').length === 2");
        browser.await("document.querySelectorAll('#samples-list .sample').length === 3");
        assertThat(browser.run("return document.querySelector('#table thead').textContent"))
            .isEqualTo("onetwo");
        assertThat((String) browser.run("return document.querySelector('#list').textContent"))
            .contains("run.json is damaged; restore it", "20 of 20 \u00b7 best loss");
        assertThat(browser.run("return document.documentElement.scrollWidth <= innerWidth"))
            .isEqualTo(true);
        assertThat(browser.violations()).isEmpty();
        browser.emulateDark();
      }
      assertThat(browser.console()).isEqualTo(List.of());
    }
  }
}
