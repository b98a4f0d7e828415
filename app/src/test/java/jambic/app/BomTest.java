package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

class BomTest {
  private static final Path ROOT = Path.of("..");

  @Test
  void itHasTheVersionOfTheModules() throws Exception {
    assertThat(child(project("bom"), "version")).isEqualTo(child(project("."), "version"));
  }

  @Test
  void itListsEveryModuleThatIsPublishedAndNoOther() throws Exception {
    List<String> published = new ArrayList<>();
    for (String module : texts(project("."), "module")) {
      Element pom = project(module);
      boolean kept = texts(pom, "maven.deploy.skip").contains("true");
      if (!kept && !module.equals("bom")) {
        published.add(child(pom, "artifactId"));
      }
    }
    assertThat(texts(project("bom"), "artifactId"))
        .filteredOn(name -> name.startsWith("jambic-") && !name.equals("jambic-bom"))
        .containsExactlyInAnyOrderElementsOf(published)
        .contains("jambic-tensor", "jambic-model", "jambic-train");
  }

  /** Without a parent it says itself which formatter it means, and would else stop it. */
  @Test
  void itHasTheFormatterOfTheModules() throws Exception {
    assertThat(formatter(project("bom"))).isEqualTo(formatter(project(".")));
  }

  private static String formatter(Element project) {
    var plugins = project.getElementsByTagName("plugin");
    for (int i = 0; i < plugins.getLength(); i++) {
      Element plugin = (Element) plugins.item(i);
      if (child(plugin, "artifactId").equals("spotless-maven-plugin")) {
        return child(plugin, "version");
      }
    }
    throw new AssertionError("there is no formatter");
  }

  private static Element project(String module) throws Exception {
    Path pom = ROOT.resolve(module).resolve("pom.xml");
    Document document =
        DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse(pom.toFile());
    return document.getDocumentElement();
  }

  private static List<String> texts(Element root, String tag) {
    List<String> texts = new ArrayList<>();
    var found = root.getElementsByTagName(tag);
    for (int i = 0; i < found.getLength(); i++) {
      texts.add(found.item(i).getTextContent().strip());
    }
    return texts;
  }

  /** Of the project itself, not of its parent or a dependency. */
  private static String child(Element project, String tag) {
    for (Node node = project.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node.getNodeName().equals(tag)) {
        return node.getTextContent().strip();
      }
    }
    throw new AssertionError("there is no " + tag);
  }
}
