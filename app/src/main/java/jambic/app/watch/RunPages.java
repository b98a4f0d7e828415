package jambic.app.watch;

import jambic.serve.http.EventStream;
import jambic.serve.http.Exchange;
import jambic.serve.http.HttpError;
import jambic.serve.http.Pages;
import jambic.serve.http.Route;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.run.CurvePoints;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The page that shows the runs of a folder, and what it asks for. */
public final class RunPages {
  private static final String PAGE = "/runs";

  /** The most points of a curve: about as many as a wide screen has columns. */
  private static final int MOST_POINTS = 2_000;

  private static final List<String> FILES =
      List.of(
          "runs.css",
          "runs.js",
          "api.js",
          "charts.js",
          "tables.js",
          "icon.svg",
          "uplot.css",
          "uplot.js");

  private final WatchedRuns runs;

  /**
   * Shows runs.
   *
   * @param folder theirs, or that of one
   */
  public RunPages(Path folder) {
    runs = new WatchedRuns(folder);
  }

  /** Its addresses: the page is at /runs. */
  public List<Route> routes() {
    Pages pages = new Pages().with(PAGE, file("runs.html"));
    FILES.forEach(name -> pages.with(PAGE + "/" + name, file(name)));
    List<Route> routes = new ArrayList<>(pages.routes());
    routes.add(Route.get("/api/runs", this::list));
    routes.add(Route.get("/api/runs/curve", this::curve));
    routes.add(Route.get("/api/runs/samples", this::samples));
    routes.add(Route.get("/api/runs/events", this::events));
    return routes;
  }

  private static InputStream file(String name) {
    return RunPages.class.getResourceAsStream(name);
  }

  /** The same for a server that has no other page. */
  List<Route> routesWithRoot() {
    List<Route> routes = new ArrayList<>(routes());
    routes.add(Route.openGet("/", RunPages::redirect));
    return routes;
  }

  private static void redirect(Exchange exchange) throws IOException {
    exchange.header("Location", PAGE).respond(302);
  }

  private void list(Exchange exchange) throws IOException {
    List<Map<String, Object>> all = runs.all().parallelStream().map(WatchedRun::facts).toList();
    exchange.json(200, Map.of("folder", runs.folder().toString(), "runs", all));
  }

  private void curve(Exchange exchange) throws IOException {
    Map<String, String> query = exchange.query();
    WatchedRun run = run(query);
    String metric = query.get("metric");
    if (metric == null) {
      throw HttpError.ofField("metric", "name a curve with metric");
    }
    int from = iteration(query, "from", 0);
    int to = iteration(query, "to", Integer.MAX_VALUE);
    CurvePoints points = run.log().points(metric, from, to, MOST_POINTS, smoothing(query));
    exchange.json(200, json(points));
  }

  private static Map<String, Object> json(CurvePoints points) {
    return Map.of("x", points.iters(), "y", points.values());
  }

  private static int iteration(Map<String, String> query, String name, int otherwise) {
    String given = query.get(name);
    if (given == null) {
      return otherwise;
    }
    try {
      return Integer.parseInt(given);
    } catch (NumberFormatException e) {
      throw HttpError.ofField(name, name + " must be an iteration");
    }
  }

  private static double smoothing(Map<String, String> query) {
    String given = query.getOrDefault("smoothing", "0");
    try {
      double weight = Double.parseDouble(given);
      if (weight >= 0 && weight < 1) {
        return weight;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw HttpError.ofField("smoothing", "smoothing must be a number from 0 to below 1");
  }

  private WatchedRun run(Map<String, String> query) {
    return runs.named(query.getOrDefault("run", ""))
        .orElseThrow(() ->
            HttpError.of(404, Text.format("there is no such run in %s", runs.folder()))
                .withParam("run"));
  }

  private void samples(Exchange exchange) throws IOException {
    WatchedRun run = run(exchange.query());
    try {
      exchange.json(200, Map.of("samples", run.samples()));
    } catch (JambicException unreadable) { // the page has other runs to show
      exchange.json(200, Map.of("samples", List.of(), "problem", unreadable.getMessage()));
    }
  }

  private void events(Exchange exchange) throws IOException {
    EventStream out = exchange.events();
    RunEvents events = new RunEvents(runs);
    runs.all().parallelStream().forEach(WatchedRun::log); // the first time all of it
    events.send(out); // from here on nothing is missed
    out.send(Map.of("ready", true));
    try {
      while (!exchange.isGone()) {
        Thread.sleep(RunEvents.PAUSE);
        if (!events.send(out) && events.isQuiet()) {
          out.ping();
        }
      }
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
    }
  }
}
