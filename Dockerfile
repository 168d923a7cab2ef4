FROM --platform=$BUILDPLATFORM golang:1.26.8 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Everything is cross-compiled, so no emulator is needed for another platform.
ARG TARGETOS TARGETARCH TARGETVARIANT VERSION COMMIT
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOARM=${TARGETVARIANT#v} go build -trimpath -tags timetzdata -ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT" -o dist/image/thinq2mqtt ./cmd/thinq2mqtt
RUN mkdir -p dist/image/tmp dist/volume/data && chmod 1777 dist/image/tmp && chmod 700 dist/volume/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/dist/image /
COPY --from=build --chown=65532:65532 /src/dist/volume /
# Inside a container the page must listen on all interfaces to be reached; what
# of it is published is up to the one who starts the container.
ENV THINQ2MQTT_STATE_DIR=/data THINQ2MQTT_HTTP__LISTEN=:8099 GOMEMLIMIT=80MiB
USER 65532:65532
VOLUME /data
EXPOSE 8099
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["/thinq2mqtt", "healthcheck"]
ENTRYPOINT ["/thinq2mqtt"]
LABEL org.opencontainers.image.title="thinq2mqtt" \
      org.opencontainers.image.description="LG ThinQ appliances over MQTT, with Home Assistant discovery" \
      org.opencontainers.image.licenses="Apache-2.0"
