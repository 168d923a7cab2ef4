package thinq

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// An Identity is how LG's event broker knows this installation: made once, kept
// for ever. Everything in it but the client id can be had again.
type Identity struct {
	ClientID    string       `json:"client_id"`
	Registered  bool         `json:"registered"`            // POST /client succeeded
	Key         StoredSecret `json:"key,omitempty"`         // PEM, RSA 2048
	Certificate string       `json:"certificate,omitempty"` // PEM
	Topics      []string     `json:"topics,omitempty"`      // from the certificate answer
	MQTT        string       `json:"mqtt,omitempty"`        // event broker of the last route answer
	Expires     time.Time    `json:"expires,omitzero"`      // end of the certificate
	Former      *Pair        `json:"former,omitempty"`      // serves again if the broker does not take the present one
	Issued      []time.Time  `json:"issued,omitempty"`      // when the last certificates were had
}

// A Pair is a certificate that another one is to take the place of, with what
// belongs to it.
type Pair struct {
	Key         StoredSecret `json:"key"`
	Certificate string       `json:"certificate"`
	Topics      []string     `json:"topics"`
	Expires     time.Time    `json:"expires"`
}

// Format keeps the keys out of texts, also where fmt would not ask them.
func (id Identity) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "[identity %s]", id.ClientID) }

// Format does so for what is in it.
func (Pair) Format(f fmt.State, _ rune) { io.WriteString(f, "[certificate]") }

// LogValue keeps all of it out of structured logs.
func (Identity) LogValue() slog.Value { return slog.StringValue("[identity]") }

const (
	clientIDPrefix = "thinq2mqtt-"
	clientIDMax    = 64 // characters; LG does not say, the event broker takes 128
	renewBefore    = 30 * 24 * time.Hour

	certificatesADay = 2 // LG blocks who asks for more and more
)

// lostPauses are the least waits after requests for a certificate whose answers
// were lost, in a row: LG may have signed each of them. The first ones cost no
// time, so that a short trouble at LG delays no first start. There are some ten
// in the first hours, and then two a day until LG answers. A restart, by
// which somebody may help, begins anew.
var lostPauses = []time.Duration{0, 0, 0, 0, 0, 10 * time.Minute, 20 * time.Minute, 40 * time.Minute,
	80 * time.Minute, 160 * time.Minute, 6 * time.Hour, 12 * time.Hour}

// identify takes over an earlier identity, or makes one and saves it. LG blocks
// accounts that show up under ever new client ids.
func (c *Client) identify(earlier *Identity) error {
	if earlier != nil && earlier.ClientID != "" {
		if !validClientID(earlier.ClientID) {
			return fmt.Errorf("the saved client id is none: at most %d letters, digits, - and _ are allowed", clientIDMax)
		}
		c.identity = *earlier
		return nil
	}
	return c.keep(func(id *Identity) { *id = Identity{ClientID: clientIDPrefix + newUUID()} })
}

func validClientID(id string) bool {
	return len(id) <= clientIDMax && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// newUUID is a random UUID (RFC 9562, version 4).
func newUUID() string {
	var u [16]byte
	rand.Read(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// keep changes the identity. It is saved before it is used; what cannot be saved
// is not used either.
func (c *Client) keep(change func(*Identity)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.identity
	next.Topics, next.Issued = slices.Clone(next.Topics), slices.Clone(next.Issued)
	change(&next)
	if c.o.Save != nil {
		if err := c.o.Save(next); err != nil {
			return fmt.Errorf("save the identity: %w", err)
		}
	}
	c.identity = next
	return nil
}

// whoami is a copy of the identity.
func (c *Client) whoami() Identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.identity
}

func (c *Client) clientID() string { return c.whoami().ClientID }

// newCertificate makes a key, has LG sign it, and keeps both once it is sure
// that they belong together, the present ones beside them. A key that LG did not
// answer for serves again: making one takes a small computer seconds.
func (c *Client) newCertificate(ctx context.Context) error {
	key, err := c.prepareKey()()
	if err != nil {
		c.events.key = nil
		return err
	}
	cert, topics, err := c.Certificate(ctx, key.request)
	if err != nil {
		c.spaceLost(err)
		return err
	}
	c.events.lost = 0
	c.spaceCertificates()
	c.events.key = nil
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key.pem))
	if err == nil && len(topics) == 0 {
		err = errors.New("it came without a topic")
	}
	saved := c.keep(func(id *Identity) {
		id.Issued = append(id.Issued, wall(time.Now()))
		id.Issued = id.Issued[max(0, len(id.Issued)-certificatesADay):]
		if err == nil {
			id.replace(Pair{key.pem, cert, topics, pair.Leaf.NotAfter})
		}
	})
	if err != nil {
		return badCertificate{err}
	}
	return saved
}

// spaceLost keeps requests apart of which nobody knows whether LG signed them. One
// that was not sent, or that LG refused in so many words, is none of them.
func (c *Client) spaceLost(err error) {
	e := &c.events
	if ClassOf(err) != Busy || NotSent(err) {
		return
	}
	e.next = later(e.next, time.Now().Add(lostPauses[min(e.lost, len(lostPauses)-1)]))
	e.lost++
}

// replace makes a pair the present one, and the present one the former one.
func (id *Identity) replace(p Pair) {
	if id.Certificate != "" {
		id.Former = &Pair{id.Key, id.Certificate, id.Topics, id.Expires}
	}
	id.present(p)
}

func (id *Identity) present(p Pair) {
	id.Key, id.Certificate, id.Topics, id.Expires = p.Key, p.Certificate, p.Topics, p.Expires
}

// fallBack makes the former pair the present one, if there is one: the present
// one was refused before it ever served.
func (c *Client) fallBack() {
	if c.whoami().Former == nil {
		return
	}
	err := c.keep(func(id *Identity) {
		id.present(*id.Former)
		id.Former = nil
	})
	if err != nil {
		c.log.Warn("the former certificate cannot be saved", "err", err)
		return
	}
	c.log.Warn("LG's event broker does not take the new certificate; the former one serves again")
	c.events.refused = false
}

// proven forgets the former pair: the broker has taken the present one.
func (c *Client) proven() {
	if c.whoami().Former == nil {
		return
	}
	if err := c.keep(func(id *Identity) { id.Former = nil }); err != nil {
		c.log.Warn("the new certificate cannot be saved", "err", err)
	}
}

// free is when LG may be asked for another certificate; zero: at any time. Times
// that are still to come stem from a clock that was wrong.
func (id Identity) free(now time.Time) time.Time {
	if len(id.Issued) < certificatesADay {
		return time.Time{}
	}
	oldest := id.Issued[len(id.Issued)-certificatesADay]
	if free := oldest.Add(24 * time.Hour); !oldest.After(now) && now.Before(free) {
		return free
	}
	return time.Time{}
}

// enoughCertificates says that LG is not asked for another one today.
type enoughCertificates struct{ until time.Time }

func (e enoughCertificates) Error() string {
	return fmt.Sprintf("LG gave %d certificates within a day, and none of them serves: it is asked again at %s",
		certificatesADay, e.until.UTC().Format(time.RFC3339))
}
func (enoughCertificates) Class() Class { return Blocked }

// badCertificate is a certificate from LG that cannot be used.
type badCertificate struct{ cause error }

func (e badCertificate) Error() string { return "LG's certificate is of no use: " + e.cause.Error() }
func (e badCertificate) Unwrap() error { return e.cause }
func (badCertificate) Class() Class    { return Unknown }

// prepareKey starts making a key, unless one waits for its certificate already;
// the result waits until it is made.
func (c *Client) prepareKey() func() (*signable, error) {
	if c.events.key == nil {
		c.events.key = sync.OnceValues(newKey)
		go c.events.key()
	}
	return c.events.key
}

// A signable key waits for its certificate.
type signable struct {
	pem     StoredSecret
	request string
}

// newKey makes a key and its certificate request in the form of LG's SDK:
// SHA-512 with RSA, common name lg_thinq, base64 without armour.
func newKey() (*signable, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject:            pkix.Name{CommonName: "lg_thinq"},
		SignatureAlgorithm: x509.SHA512WithRSA,
	}, key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &signable{
		pem:     StoredSecret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		request: base64.StdEncoding.EncodeToString(csr),
	}, nil
}

// certificate is the client certificate with its key; the error says that there
// is none, or none that can be used now.
func (id Identity) certificate(now time.Time) (tls.Certificate, error) {
	pair, err := tls.X509KeyPair([]byte(id.Certificate), []byte(id.Key))
	switch {
	case err != nil:
		return pair, errors.New("no certificate yet")
	case len(id.Topics) == 0:
		return pair, errors.New("no topic yet")
	case !now.Before(pair.Leaf.NotAfter):
		return pair, errors.New("the certificate is over")
	}
	return pair, nil
}

// renewal is when to ask for the next certificate: 30 days before the end, or
// after two thirds of a short life.
func renewal(leaf *x509.Certificate) time.Time {
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	return leaf.NotAfter.Add(-min(renewBefore, life/3))
}
