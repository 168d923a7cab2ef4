package thinq

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An impostor is a server that cannot prove to be LG, and what is said of it.
type impostor struct {
	name   string
	want   []string
	change func(*x509.Certificate)
	by     string // who signs: "" the authority, "itself", "another", "another under the same name"
	server func(*tls.Config)
}

func nothing(*x509.Certificate) {}

// expired and early certificates are told with both the date and the clock.
var impostors = []impostor{
	{"expired", []string{"has expired or is not yet valid", "current time 2000-01-01T00:00:00Z is after 1999-12-31T00:00:00Z"},
		func(c *x509.Certificate) { c.NotBefore, c.NotAfter = day(-9), day(-1) }, "", nil},
	{"not yet valid", []string{"has expired or is not yet valid", "current time 2000-01-01T00:00:00Z is before 2000-01-02T00:00:00Z"},
		func(c *x509.Certificate) { c.NotBefore, c.NotAfter = day(1), day(9) }, "", nil},
	{"wrong name", []string{"certificate is valid for other.test, not lg.test"}, func(c *x509.Certificate) { c.DNSNames = []string{"other.test"} }, "", nil},
	{"for clients only", []string{"incompatible key usage"},
		func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, "", nil},
	{"weak signature", []string{"insecure algorithm SHA1-RSA"}, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }, "", nil},
	{"signs itself", []string{"unknown authority"}, nothing, "itself", nil},
	{"unknown authority", []string{"unknown authority"}, nothing, "another", nil},
	{"authority of the same name", []string{"unknown authority", "trying to verify candidate authority"}, nothing, "another under the same name", nil},
	{"TLS 1.1 at most", []string{"no encryption that is strong enough"}, nothing, "", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 }},
	{"weak key exchange", []string{"no encryption that is strong enough"}, nothing, "", func(c *tls.Config) {
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA256}
	}},
	{"RC4", []string{"no encryption that is strong enough"}, nothing, "", func(c *tls.Config) {
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA}
	}},
}

// day is a time, counted from the beginning of virtual time.
func day(n int) time.Time { return time.Date(2000, 1, 1+n, 0, 0, 0, 0, time.UTC) }

var rsaKey = func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}()

// issue signs a certificate; without an issuer it signs itself.
func issue(t *testing.T, c, by *x509.Certificate, key crypto.Signer) *x509.Certificate {
	t.Helper()
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = day(-1), day(30)
	}
	c.SerialNumber = big.NewInt(1)
	if by == nil {
		by, key = c, rsaKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, rsaKey.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c
}

// stand starts the impostor and says what trusts the good authority, how to get
// there and what was heard there.
func (i impostor) stand(t *testing.T) (roots *x509.CertPool, dial dialFunc, heard func() int) {
	root := func() *x509.Certificate {
		return issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: "root"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil, nil)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := root()
	roots = x509.NewCertPool()
	roots.AddCert(good)
	cert := &x509.Certificate{Subject: pkix.Name{CommonName: "lg.test"}, DNSNames: []string{"lg.test"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	i.change(cert)
	switch i.by {
	case "":
		cert = issue(t, cert, good, rsaKey)
	case "itself":
		cert = issue(t, cert, nil, nil)
	default:
		name := map[bool]string{true: "root", false: "impostor"}[i.by == "another under the same name"]
		cert = issue(t, cert, &x509.Certificate{Subject: pkix.Name{CommonName: name}, PublicKey: other.Public()}, other)
	}
	server := &tls.Config{MinVersion: tls.VersionTLS10, Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: rsaKey}}}
	if i.server != nil {
		i.server(server)
	}
	told := make(chan int, 100)
	dial = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			n, _ := tls.Server(theirs, server).Read(make([]byte, 100))
			told <- n
		}()
		return ours, nil
	}
	return roots, dial, func() (n int) {
		synctest.Wait()
		for len(told) > 0 {
			n += <-told
		}
		return n
	}
}

// Who cannot prove to be LG is told nothing, and is named with what is wrong. A
// good one hears us, or none of it would prove anything.
func TestF017CertificateOver(t *testing.T) {
	all := append([]impostor{{"good", nil, nothing, "", nil}, {"TLS 1.2", nil, nothing, "", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }}}, impostors...)
	for _, i := range all {
		t.Run(i.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				roots, dial, heard := i.stand(t)
				c := newTestClient(t, Options{Country: "de", APIURL: "https://lg.test", Roots: roots, Token: token(canary), Dial: dial})
				_, state := c.State(t.Context(), "d")
				_, signIn := EMP{URL: "https://lg.test/emp", Roots: roots, Dial: dial}.Exchange(t.Context(), canaryCode, "")
				n := heard()
				if i.want == nil {
					if n == 0 {
						t.Errorf("a good server heard nothing: %v", state)
					}
					return
				}
				for _, err := range []error{state, signIn} {
					for _, want := range append(i.want, "lg.test ") {
						if n > 0 || ClassOf(err) != Busy || !strings.Contains(err.Error(), want) {
							t.Errorf("%d bytes heard; %v, want %q", n, err, want)
						}
					}
				}
			})
		})
	}
}

// The authority of a region is trusted with the option and not without it; what
// Amazon's roots sign is trusted by the event broker either way.
func TestF018RootsOfTheEventBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		roots, dial, heard := impostor{change: nothing}.stand(t)
		for _, given := range []*x509.CertPool{nil, roots} {
			c := newTestClient(t, Options{Country: "de", APIURL: "https://lg.test", Roots: given, Token: token(canary)})
			conn, err := dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			tlsConn := tls.Client(conn, c.eventTLS(serverURL("lg.test", "mqtts", "8883"), tls.Certificate{}))
			_, err = tlsConn.Write([]byte("x"))
			tlsConn.Close()
			if n := heard(); (err == nil) != (given != nil) || (n > 0) != (given != nil) {
				t.Errorf("with the option: %v: %v, %d bytes heard", given != nil, err, n)
			}
			for _, root := range amazon(t) {
				if _, err := root.Verify(x509.VerifyOptions{Roots: eventRoots(given), CurrentTime: root.NotAfter}); err != nil {
					t.Errorf("with the option: %v: %s: %v", given != nil, root.Subject, err)
				}
			}
		}
	})
}

// amazon are the authorities that are part of the program.
func amazon(t *testing.T) (roots []*x509.Certificate) {
	t.Helper()
	for block, rest := pem.Decode([]byte(amazonRoots)); block != nil; block, rest = pem.Decode(rest) {
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, root)
	}
	if len(roots) != 2 {
		t.Errorf("%d authorities", len(roots))
	}
	return roots
}
