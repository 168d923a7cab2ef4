package main

import (
	"os"
	"strings"
	"testing"
)

func TestDockerfile(t *testing.T) {
	f, err := os.Open("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if line, err := check(f); err != nil || !strings.Contains(line, "./cmd/thinq2mqtt") {
		t.Errorf("builds with %q, complaints: %v", line, err)
	}
}

func TestComplaints(t *testing.T) {
	const bad = `FROM golang AS build
RUN go build .
FROM debian:latest
ADD x /
RUN true
USER root
HEALTHCHECK CMD true
CMD true
`
	_, err := check(strings.NewReader(bad))
	if err == nil {
		t.Fatal("no complaint")
	}
	for _, want := range []string{
		"FROM golang: pin a tag", "FROM debian:latest: pin a tag", "ADD: use COPY", "RUN in the image",
		"USER root", "HEALTHCHECK: use the exec form", "CMD: use the exec form", "no ENTRYPOINT",
		"without CGO_ENABLED=0", "without GOARM", "without -trimpath",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no complaint %q in:\n%v", want, err)
		}
	}
	if _, err := check(strings.NewReader("FROM scratch\nENTRYPONT [\"x\"]\n")); err == nil {
		t.Error("a misspelt instruction is accepted")
	}
}
