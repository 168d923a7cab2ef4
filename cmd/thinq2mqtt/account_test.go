package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest/mosquitto"
)

// The keys of section mqtt are enough for a broker that wants a certificate.
func TestBrokerCertificates(t *testing.T) {
	t.Parallel()
	authority := mosquitto.NewAuthority(t)
	s := mosquitto.Start(t, mosquitto.Options{Authority: authority, Mutual: true})
	m := MQTT{CAFile: authority.File(t)}
	m.CertFile, m.KeyFile = authority.Files(t, "bridge")
	secure, err := brokerTLS(m)
	if err != nil {
		t.Fatal(err)
	}
	l := link.New(link.Options{URL: s.URL, ClientID: "bridge", TLS: secure})
	runLink(t, l)
	select {
	case <-l.Up():
	case <-time.After(patience):
		t.Errorf("not connected: %s", l.Status().Problem)
	}
}

// A file that is something else is found before anything starts.
func TestCertificatesUnusable(t *testing.T) {
	t.Parallel()
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := configFile(t, fmt.Sprintf(`thinq:
  country: KR
  token: x
  ca_file: %[1]s
mqtt:
  ca_file: /nonexistent
  cert_file: %[1]s
  key_file: %[1]s
`, junk))
	want := []string{
		"config.yaml:4: thinq.ca_file: " + junk + " holds no certificate in PEM form: name the authority's file in that form",
		"config.yaml:6: mqtt.ca_file: /nonexistent cannot be read: no such file or directory: create it, or correct the path",
		"config.yaml:7: mqtt.cert_file: and key_file cannot be used: tls: failed to find any PEM data in certificate input",
	}
	if diff := cmp.Diff(want, complaints(t, s)); diff != "" {
		t.Errorf("complaints (-want +got):\n%s", diff)
	}
}
