# A server of models: docker build -t jambic . && docker run --read-only --tmpfs /tmp -p 8080:8080 \
#   -v ./runs:/runs:ro -v ./key.txt:/run/secrets/key:ro jambic /runs/NAME
# The key is needed because the server listens beyond its container.

FROM eclipse-temurin:25-jdk AS build
WORKDIR /jambic
COPY . .
RUN ./mvnw -B -q -pl app -am package -Dmaven.test.skip -Dmaven.javadoc.skip -Dmaven.source.skip -Dspotless.check.skip \
 && rm -f app/target/jambic-app-*-sources.jar app/target/jambic-app-*-javadoc.jar \
 && cp app/target/jambic-app-*.jar app/target/modules/ \
 && jlink --module-path app/target/modules --add-modules jambic.app,jambic.cuda,org.slf4j.nop,jdk.crypto.ec \
      --strip-debug --no-header-files --no-man-pages --output /runtime

FROM debian:stable-slim
RUN useradd --system --uid 10001 jambic
COPY --from=build /runtime /opt/jambic
COPY app/jvm.options /opt/jambic/jvm.options
USER jambic
EXPOSE 8080
HEALTHCHECK --start-period=60s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3 && head -1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["/opt/jambic/bin/java", "@/opt/jambic/jvm.options", "-XX:-UsePerfData", "-m", "jambic.app/jambic.app.Main", "serve", "--host", "0.0.0.0", "--api-key-file", "/run/secrets/key"]
