package jambic.serve.http;

/**
 * What answers at an address.
 *
 * @param method GET or POST; HEAD is answered as GET without its body
 * @param path the whole path; or its beginning where it ends in "/*", and {@link Exchange#rest} is
 *     what follows
 * @param open whether it is answered without an API key
 * @param handler what answers
 */
public record Route(String method, String path, boolean open, RouteHandler handler) {
  private static final String ANY = "*";

  /** Reads; needs the key where there is one. */
  public static Route get(String path, RouteHandler handler) {
    return new Route("GET", path, false, handler);
  }

  /** Reads, without a key. */
  public static Route openGet(String path, RouteHandler handler) {
    return new Route("GET", path, true, handler);
  }

  /** Sends a body; needs the key where there is one. */
  public static Route post(String path, RouteHandler handler) {
    return new Route("POST", path, false, handler);
  }

  boolean isPrefix() {
    return path.endsWith("/" + ANY);
  }

  /** The path without its star. */
  String prefix() {
    return path.substring(0, path.length() - ANY.length());
  }

  boolean matches(String requested) {
    return isPrefix()
        ? requested.startsWith(prefix()) && requested.length() > prefix().length()
        : path.equals(requested);
  }

  /** HEAD asks for what GET answers. */
  boolean takes(String requestMethod) {
    return method.equals(requestMethod) || method.equals("GET") && requestMethod.equals("HEAD");
  }
}
