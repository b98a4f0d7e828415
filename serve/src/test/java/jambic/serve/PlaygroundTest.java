package jambic.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import jambic.browser.Browser;
import jambic.serve.http.WebOptions;
import jambic.serve.model.EngineOptions;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The page in a browser, by its keyboard. */
@Timeout(120)
class PlaygroundTest {
  private static final String HTML = "<img src=x onerror='document.title=1'><b>bold</b>${7}";

  @Test
  void thePageWritesChatsAndDrawsAndTakesNoTextForHtml() throws Exception {
    Optional<Browser> found = Browser.find();
    assumeTrue(
        found.isPresent(),
        "SKIPPED: there is no chromium with its driver to look at the page with");
    try (Browser browser = found.get();
        TestServer server = TestServer.start()) {
      browser.open(server.server.address().resolve("/"));
      browser.await("document.querySelector('#card dd')");
      assertThat(browser.run("return document.querySelector('#model').value")).isEqualTo("tiny");

      // Random weights write signs of HTML, too.
      browser.type("#prompt", HTML, false);
      browser.run("document.querySelector('#max_tokens').value = 40");
      browser.type("#prompt", "", true);
      browser.await("document.querySelector('#status').textContent.startsWith('40 tokens')");
      assertThat(browser.run("return document.querySelectorAll('#text .token').length"))
          .isEqualTo(40);
      assertThat((String) browser.run("return document.querySelector('#text').textContent"))
          .startsWith(HTML);
      assertThat(browser.run("return document.querySelectorAll('#text :not(span)').length"))
          .isEqualTo(0);
      browser.run("document.querySelector('#text .token').focus()");
      assertThat(browser.run("return document.querySelectorAll('#alternatives tbody tr').length"))
          .isIn(5, 6);

      browser.run("document.querySelector('#tab-chat').click()");
      browser.type("#question", "<i>hi</i>", true);
      browser.await("document.querySelector('#status').textContent.includes('ended')");
      assertThat(browser.run("return document.querySelectorAll('#messages li').length"))
          .isEqualTo(2);
      assertThat(browser.run("return document.querySelectorAll('#messages i').length"))
          .isEqualTo(0);

      browser.run(
          "document.querySelector('#tab-attention').click();"
              + "document.querySelector('#attended').value = 'to be or not'");
      browser.type("#attended", "", true);
      browser.await("document.querySelector('#map canvas')");
      assertThat((String) browser.run("return document.querySelector('#pair').textContent"))
          .contains("looks at");

      browser.emulateDark();
      assertThat(browser.run("return getComputedStyle(document.body).backgroundColor"))
          .isEqualTo("rgb(21, 23, 26)");
      assertThat(
              browser.run(
                  "return performance.getEntriesByType('resource').every(e => e.name.startsWith(location.origin))"))
          .isEqualTo(true);
      assertThat(browser.run("return document.title")).isEqualTo("Jambic playground");
      assertThat(browser.console()).isEqualTo(List.of());
    }
  }

  @Test
  void axeFindsNothingInLightAndDarkAndAllIsReachedByTheTabKey() throws Exception {
    Optional<Browser> found = Browser.find();
    assumeTrue(
        found.isPresent(),
        "SKIPPED: there is no chromium with its driver to look at the page with");
    try (Browser browser = found.get();
        TestServer server = TestServer.start()) {
      for (int round = 0; round < 2; round++) {
        browser.open(server.server.address().resolve("/"));
        browser.await("document.querySelector('#card dd')");
        assertThat(Stream.generate(browser::tab).limit(10))
            .as("a model alone has nothing to choose, and only what is written is stopped")
            .containsExactly(
                "tab-write",
                "prompt",
                "write",
                "temperature",
                "top_p",
                "top_k",
                "repetition_penalty",
                "max_tokens",
                "stop",
                "seed");
        assertThat(browser.run("return getComputedStyle(document.activeElement).outlineStyle"))
            .isEqualTo("solid");
        assertThat(browser.run("return document.querySelector('#runs').hidden")).isEqualTo(true);
        browser.run("document.querySelector('#max_tokens').value = 100000");
        browser.type("#prompt", "abc", true);
        browser.await("!document.querySelector('#write-stop').disabled");
        assertThat(browser.tab()).isEqualTo("write-stop");
        browser.run("document.activeElement.click()");
        browser.await("!document.querySelector('#write').disabled");
        browser.run("document.querySelector('#text .token')?.focus()");
        assertThat(browser.violations()).isEmpty();
        browser.run("document.querySelector('#tab-chat').click()");
        browser.run("document.querySelector('#max_tokens').value = 10");
        browser.type("#question", "hi", true);
        browser.await("document.querySelector('#messages .assistant .token')");
        assertThat(browser.violations()).isEmpty();
        browser.run(
            "document.querySelector('#tab-attention').click();"
                + "document.querySelector('#attended').value = 'to be or not'");
        browser.type("#attended", "", true);
        browser.await("document.querySelector('#map canvas')");
        assertThat(browser.violations()).isEmpty();
        browser.emulateDark();
      }
    }
  }

  @Test
  void stopEndsAStreamAndAServerWithAKeyAsksForIt() throws Exception {
    Optional<Browser> found = Browser.find();
    assumeTrue(
        found.isPresent(),
        "SKIPPED: there is no chromium with its driver to look at the page with");
    try (Browser browser = found.get();
        TestServer server =
            TestServer.start(WebOptions.DEFAULT.withApiKey("secret"), EngineOptions.DEFAULT)) {
      browser.open(server.server.address().resolve("/"));
      browser.await("!document.querySelector('#key-form').hidden");
      browser.type("#key", "secret", false);
      browser.run("document.querySelector('#key-form').requestSubmit()");
      browser.await("document.querySelector('#card dd')");
      browser.type("#prompt", "abc", true);
      browser.type("#prompt", "\uE00C", false); // Escape
      browser.await("!document.querySelector('#write').disabled");
      browser.await(
          "['Stopped.'].includes(document.querySelector('#status').textContent)"
              + " || document.querySelector('#status').textContent.includes('ended')");
    }
  }
}
