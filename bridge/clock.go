package bridge

import (
	"crypto/x509"
	"errors"
	"slices"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A machine without a battery may start in 1970, and no certificate is valid then.
// The time comes over the network sooner or later, so it is worth trying often for
// a while (F-094). Nothing is believed meanwhile that would not be otherwise.
var wrongClock = reaction{
	condition: condClock, halt: true, dark: true,
	waits: append(slices.Repeat(seconds(15), 40), seconds(30, 60, 120, 300)...),
}

// clockDoubted reports whether a call may have failed because of the clock.
func (b *Bridge) clockDoubted(err error) bool {
	if _, answered := errors.AsType[*thinq.Error](err); answered || thinq.ClassOf(err) != thinq.Busy {
		return false
	}
	bad, ok := errors.AsType[x509.CertificateInvalidError](err)
	return ok && bad.Reason == x509.Expired || b.o.Wall().Before(b.o.Built)
}

func (b *Bridge) clockText() string {
	now := b.o.Wall()
	says := "The clock of this machine says " + now.UTC().Format("2 January 2006") + ", "
	if now.Before(b.o.Built) {
		return says + "which is before this program was made: check the clock."
	}
	return says + "and LG's certificate is not valid then: check the clock."
}
