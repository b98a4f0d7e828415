package jambic.app.data;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;

/**
 * Pairs of French and English that others published, which are fetched when they are asked for.
 *
 * @param name what the user calls them, and the folder that has their files
 * @param license what to know before using them, said when they are fetched
 * @param files in the order in which they were published
 */
record PairDataset(String name, String license, List<File> files) {
  /** The images' captions of Elliott et al., 2016, and Elliott et al., 2017. */
  static final PairDataset MULTI30K =
      new PairDataset(
          "multi30k",
          "Multi30k's publishers name no license for these texts, and give the images that they"
              + " describe to non-commercial research and education only",
          multi30kFiles());

  /** Sentences of Tatoeba, as the book "Dive into Deep Learning" (d2l.ai) has them. */
  static final PairDataset TATOEBA =
      new PairDataset(
          "tatoeba",
          "Tatoeba's sentences are by its contributors, licensed CC-BY 2.0 FR"
              + " (https://tatoeba.org)",
          List.of(
              new File(
                  "fra-eng.zip",
                  new Download.Remote(
                      URI.create("https://d2l-data.s3-accelerate.amazonaws.com/fra-eng.zip"),
                      32 << 20,
                      false,
                      Checksum.SHA_1,
                      "94646ad1522d915e7b0f9296181140edcf86a4f5"))));

  /**
   * A file.
   *
   * @param name its name in the folder
   * @param remote where it is fetched from
   */
  record File(String name, Download.Remote remote) {}

  private static List<File> multi30kFiles() {
    List<File> files = new ArrayList<>();
    add(
        files,
        "train.fr",
        604_242,
        "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c");
    add(
        files,
        "train.en",
        568_929,
        "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f");
    add(
        files,
        "val.fr",
        23_001,
        "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9");
    add(
        files,
        "val.en",
        21_650,
        "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28");
    add(
        files,
        "test_2016_flickr.fr",
        22_310,
        "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90");
    add(
        files,
        "test_2016_flickr.en",
        21_077,
        "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9");
    return List.copyOf(files);
  }

  private static void add(List<File> files, String name, int size, String sha256) {
    String packed = name + ".gz";
    URI uri =
        URI.create(
            "https://raw.githubusercontent.com/multi30k/dataset/"
                + "a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw/"
                + packed);
    files.add(new File(packed, new Download.Remote(uri, size, sha256)));
  }
}
