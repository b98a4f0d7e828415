# A server of models: docker build -t jambic . && docker run --read-only --tmpfs /tmp -p 8080:8080 \
#   -v ./runs:/runs:ro -v ./key.txt:/run/secrets/key:ro jambic /runs/NAME
# The key is needed because the server listens beyond its container.

FROM eclipse-temurin:25-jdk AS build
WORKDIR /jambic
COPY . .
RUN ./mvnw -B -q -Pdist -pl app -am package -Dmaven.test.skip -Dmaven.javadoc.skip -Dmaven.source.skip -Dspotless.check.skip

FROM debian:stable-slim
RUN useradd --system --uid 10001 jambic
COPY --from=build /jambic/app/target/dist/jambic /opt/jambic
USER jambic
ENV JAMBIC_JAVA_OPTS=-XX:-UsePerfData
EXPOSE 8080
HEALTHCHECK --start-period=60s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3 && head -1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["/opt/jambic/bin/jambic", "serve", "--host", "0.0.0.0", "--api-key-file", "/run/secrets/key"]
