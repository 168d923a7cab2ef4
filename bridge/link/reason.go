package link

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/eclipse/paho.golang/autopaho"
)

// A reason is what a code of MQTT 5 section 2.4 means to the person who runs
// the bridge, and how long it is wise to stay away after it.
type reason struct {
	text  string
	floor time.Duration // least wait before the next attempt
}

// rests are the least waits of reasons that come again: for the first time, the
// second, and so on; the last is for all that follow.
var rests = map[byte][]time.Duration{
	banned:    {5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 40 * time.Minute},
	takenOver: {time.Minute, 5 * time.Minute, 30 * time.Minute},
}

const (
	badUser      byte = 0x86
	unauthorized byte = 0x87
	banned       byte = 0x8A
	takenOver    byte = 0x8E
)

var reasons = map[byte]reason{
	0x00:         {"the broker said goodbye", 0},
	0x80:         {"unspecified error", 0},
	0x81:         {"malformed packet", 0},
	0x82:         {"protocol error", 0},
	0x83:         {"not allowed by the broker's implementation", 0},
	0x84:         {"the broker does not speak MQTT 5", 30 * time.Second},
	0x85:         {"client id not accepted", 30 * time.Second},
	badUser:      {"bad user name or password", 30 * time.Second},
	unauthorized: {"not authorized", 30 * time.Second},
	0x88:         {"broker unavailable", 0},
	0x89:         {"broker busy", 0},
	banned:       {"banned by the broker", 0}, // see rests
	0x8B:         {"the broker is shutting down", 0},
	0x8C:         {"bad authentication method", 30 * time.Second},
	0x8D:         {"keepalive missed, says the broker", 0},
	takenOver:    {"taken over by another client with the same client id", 0}, // see rests
	0x8F:         {"topic filter not accepted", 0},
	0x90:         {"topic not accepted", 0},
	0x91:         {"packet identifier in use", 0},
	0x93:         {"more messages at once than the broker takes", 0},
	0x95:         {"packet too large", 0},
	0x96:         {"messages too fast for the broker", 10 * time.Second},
	0x97:         {"quota exceeded", 30 * time.Second},
	0x98:         {"disconnected by the broker's administrator", 30 * time.Second},
	0x99:         {"payload format not accepted", 0},
	0x9A:         {"retained messages not supported", 0},
	0x9B:         {"quality of service not supported", 0},
	0x9C:         {"the broker says: use another server", 5 * time.Minute},
	0x9D:         {"the broker has moved", 5 * time.Minute},
	0x9E:         {"shared subscriptions not supported", 0},
	0x9F:         {"too many connections in a short time", time.Minute},
	0xA0:         {"connected for longer than the broker allows", 0},
	0xA1:         {"subscription identifiers not supported", 0},
	0xA2:         {"wildcard subscriptions not supported", 0},
}

// A refusal is a reason code from the broker: why it did not let us in, or why
// it sent us away.
type refusal struct {
	code byte
	said string // the broker's own reason string, often empty
}

func (r refusal) Error() string { return describe(r.code, r.said) }

// describe puts a reason code into words.
func describe(code byte, said string) string {
	text := fmt.Sprintf("%s (0x%02X)", reasons[code].text, code)
	if reasons[code].text == "" {
		text = fmt.Sprintf("reason 0x%02X", code)
	}
	if said != "" {
		text += ": " + said
	}
	return legible(text)
}

// longestWords bounds what a broker can have us say.
const longestWords = 300

// legible is a text in one line, not too long, without what would steer a terminal.
func legible(text string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		n++
		switch {
		case n > longestWords:
			return -1
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// refused finds the reason code in what the library reports.
func refused(err error) (refusal, bool) {
	if r, ok := errors.AsType[refusal](err); ok {
		return r, true
	}
	if c, ok := errors.AsType[*autopaho.ConnackError](err); ok && c.ReasonCode >= 0x80 {
		return refusal{c.ReasonCode, c.Reason}, true
	}
	return refusal{}, false
}

// certificateAlerts are the TLS alerts (RFC 8446 section 6.2) by which a peer
// says that it does not take our certificate.
var certificateAlerts = []tls.AlertError{42, 43, 44, 45, 46, 48, 49, 51, 116}

// alerted tells whether the peer turned our certificate down. The standard
// library keeps the type of received alerts to itself, so the words decide.
func alerted(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error" && slices.ContainsFunc(certificateAlerts, func(a tls.AlertError) bool {
		return op.Err.Error() == a.Error()
	})
}

// vanished tells whether what was sent got no answer at all.
func vanished(err error) bool {
	return slices.ContainsFunc([]error{errMute, errDialTime, os.ErrDeadlineExceeded, context.DeadlineExceeded},
		func(silence error) bool { return errors.Is(err, silence) })
}

// hungUp tells whether the peer ended the connection without a word.
func hungUp(err error) bool {
	return slices.ContainsFunc([]error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE},
		func(end error) bool { return errors.Is(err, end) })
}

// unanswered tells whether nobody was there to connect to: what ended connections
// before was the end of the broker, and no twin.
func unanswered(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// words says what went wrong, without addresses that change with every attempt
// (they would make each log line look like news) and without the URL.
func words(err error) string { return legible(wording(err)) }

func wording(err error) string {
	if r, ok := refused(err); ok {
		return r.Error()
	}
	if u, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the broker's certificate is not trusted: " + untrusted(u.Err)
	}
	if d, ok := errors.AsType[*net.DNSError](err); ok {
		return d.Name + ": " + lookup(d)
	}
	for _, plain := range []error{errOldBroker, errNotMQTT, errNoTLS, errNoConnack, errDialTime} {
		if errors.Is(err, plain) {
			return plain.Error()
		}
	}
	op, isOp := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, errMute), errors.Is(err, context.DeadlineExceeded):
		return errMute.Error()
	case errors.Is(err, errSilent), errors.Is(err, os.ErrDeadlineExceeded):
		return errSilent.Error()
	case hungUp(err):
		return "connection closed by the broker"
	case isOp && op.Op == "dial" && op.Addr != nil:
		return op.Addr.String() + ": " + op.Err.Error()
	case isOp && op.Op != "dial":
		return op.Err.Error()
	}
	return err.Error()
}

// lookup says why a name was not found. The standard library tells of the name
// server in a text only, which has the local port of each question in front.
func lookup(d *net.DNSError) string {
	switch {
	case d.IsNotFound:
		return "no such host"
	case d.IsTimeout:
		return "the name server does not answer"
	}
	return "the name server: " + strings.TrimSpace(d.Err[strings.LastIndex(d.Err, ": ")+1:])
}

// untrusted says what is wrong with a certificate. Of its time the standard library
// tells with what the clock says, which is another text at every attempt.
func untrusted(err error) string {
	c, ok := errors.AsType[x509.CertificateInvalidError](err)
	if !ok || c.Reason != x509.Expired {
		return err.Error()
	}
	return fmt.Sprintf("it has expired or is not yet valid (good from %s until %s): check the clock of this machine, and then the certificate",
		c.Cert.NotBefore.UTC().Format(time.DateOnly), c.Cert.NotAfter.UTC().Format(time.DateOnly))
}
