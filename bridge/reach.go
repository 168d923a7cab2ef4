package bridge

import (
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// signedOut refuses at once what LG is known to refuse: the token is void until
// somebody acts.
func (b *Bridge) signedOut() *rejection {
	switch b.account.condition {
	case condAuth, condTerms, condCountry:
		return &rejection{Reason: b.account.condition, Message: b.account.text, Until: new(b.account.until.UTC().Truncate(time.Second))}
	}
	return nil
}

// barred is why no command can get to LG now, as far as is known.
func (b *Bridge) barred() *rejection {
	if b.outOfReach() {
		b.hurry()
		return b.unreached(nil)
	}
	return b.signedOut()
}

// outOfReach reports whether LG has not answered for a while.
func (b *Bridge) outOfReach() bool { return b.account.dark && b.account.class == thinq.Busy }

// unreached is why a command did not get to LG.
func (b *Bridge) unreached(err error) *rejection {
	at := b.nextTry(time.Now())
	why := &rejection{
		Reason: condUnreachable, Until: new(at.UTC().Truncate(time.Second)),
		Message: "LG's cloud cannot be reached; it is asked again at " + at.Format(time.TimeOnly),
	}
	if err != nil {
		why.Message += ": " + sentence(err)
	}
	return why
}

// nextTry is when LG is asked again for whatever reason.
func (b *Bridge) nextTry(now time.Time) time.Time {
	at := now.Add(probeAfter)
	for _, j := range b.jobs {
		if next := latest(j.after, b.account.until); next.After(now) && next.Before(at) {
			at = next
		}
	}
	return at
}

// hurry looks whether LG is back, because somebody waits for it.
func (b *Bridge) hurry() {
	now := time.Now()
	if now.Before(b.hurried.Add(probeAfter)) {
		return
	}
	b.hurried = now
	if b.outOfReach() {
		b.account.until = time.Time{}
	}
	for _, j := range b.jobs {
		if j.kind == "list" {
			j.after = time.Time{}
		}
	}
	b.list(thinq.Background, nil)
}
