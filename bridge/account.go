package bridge

import (
	"errors"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// darkAfter is how long LG may be out of reach before appliances are shown as
// unavailable.
const darkAfter = 5 * time.Minute

// probeAfter is when a cloud that did not answer is asked for the list, and
// from then on until it answers.
const probeAfter = time.Minute

// An account is the condition of the REST side, as the last answers show it.
type account struct {
	condition string
	text      string    // for a person
	until     time.Time // no background calls before
	tries     int       // refusals in a row that halted everything
	ill       time.Time // since when calls have failed, for the log
	failures  int       // so many
	failing   time.Time // since when nothing succeeds; zero: all is well
	dark      bool      // appliances are unavailable for it
	class     thinq.Class
	trouble   string    // of the last call that failed, for a person
	denied    time.Time // first refusal of the account that bears no code of LG's
}

// succeeded notes that LG answered a call as hoped.
func (b *Bridge) succeeded() {
	if b.account.condition == condOK && b.account.failing.IsZero() && b.account.failures == 0 {
		return
	}
	was := b.account
	b.account = account{condition: condOK}
	b.later.cancel("dark")
	if was.condition != condOK {
		b.accountChanged("after", was.illness(), "failures", was.failures)
	} else if !b.grumbled.Before(was.ill) && was.failures > 0 {
		b.log.Info("LG's cloud answers again", "after", was.illness(), "failures", was.failures)
	}
	if was.dark {
		b.recovered()
	}
	if was.dark || was.condition == condClock {
		b.redial()
	}
}

// refused notes what an error says about the account as a whole. A permission
// that lacks for one appliance says nothing.
func (b *Bridge) refused(err error) {
	class, r := b.judgeRefusal(err)
	if class == thinq.Busy && !general(err) {
		return
	}
	if nameless(err) && !b.deniedLately() {
		b.account.denied = time.Now()
	}
	if r.dark || r.halt {
		b.account.failed()
	}
	if r.dark {
		b.doubtAccount(class, sentence(err))
	}
	if r.halt || r.dark && b.account.dark {
		b.halt(err, r)
	}
	text := sentence(err)
	switch r.condition {
	case condClock:
		text = b.clockText()
	case condCountry:
		text += b.served()
	}
	news := b.account.condition != r.condition || class == thinq.Auth && b.account.text != text
	if r.condition != "" && news {
		b.account.condition, b.account.text = r.condition, text
		b.accountChanged()
	}
}

// A refusal without a code of LG's may be that of a gateway in between. The
// account counts as refused when it is so again after a while (F-004).
const (
	denialWait   = time.Minute
	denialMemory = time.Hour
)

// judgeRefusal is react, with what is known of earlier refusals.
func (b *Bridge) judgeRefusal(err error) (thinq.Class, reaction) {
	class, r := react(err)
	if b.clockDoubted(err) {
		return thinq.Busy, wrongClock
	}
	if class == thinq.Auth && nameless(err) && (!b.deniedLately() || time.Since(b.account.denied) < denialWait) {
		return thinq.Busy, denial
	}
	return class, r
}

func (b *Bridge) deniedLately() bool {
	return !b.account.denied.IsZero() && time.Since(b.account.denied) < denialMemory
}

// failed counts, for the log.
func (a *account) failed() {
	if a.failures == 0 {
		a.ill = time.Now()
	}
	a.failures++
}

// halt stops background calls until the next probe. What commands meet before it
// is the same refusal once more, and puts nothing off. So it is when LG has been
// out of reach for a while: were each call tried again by itself, they would use
// up those that are needed when LG is back.
func (b *Bridge) halt(err error, r reaction) {
	until := b.account.until
	if !time.Now().Before(until) {
		until = time.Now().Add(r.wait(b.account.tries))
		b.account.tries++
	}
	if e, ok := errors.AsType[*thinq.Error](err); ok && e.RetryAfter > 0 {
		until = time.Now().Add(e.RetryAfter)
	}
	if e, ok := errors.AsType[*thinq.BudgetError](err); ok {
		until = e.Until
	} else if _, paused := b.o.Budget.Left(); r.condition == condRate && !paused.IsZero() {
		until = paused
	}
	b.account.until = until
}

// doubtAccount starts the clock after which appliances are unavailable.
func (b *Bridge) doubtAccount(class thinq.Class, trouble string) {
	b.account.class, b.account.trouble = class, trouble
	if !b.account.failing.IsZero() {
		return
	}
	b.account.failing = time.Now()
	if wayward(class) && time.Since(b.grumbled) >= time.Hour && trouble != b.push.text { // all else is told
		b.grumbled = time.Now()
		b.log.Info("LG's cloud does not answer as hoped", "err", trouble)
	}
	b.later.set("dark", b.account.failing.Add(darkAfter), b.darken)
	b.later.set("probe", b.account.failing.Add(probeAfter), b.probe)
}

// probe makes sure that somebody asks again: a read that failed may have been
// the only call of the hour, and the cloud is not away because nobody asks.
func (b *Bridge) probe() {
	if !b.account.failing.IsZero() {
		b.list(thinq.Background, nil)
	}
}

// wayward classes are answers of which nobody can say what is wrong with the
// account: there are none, or none that make sense.
func wayward(c thinq.Class) bool { return c == thinq.Busy || c == thinq.Unknown }

func (b *Bridge) darken() {
	b.account.dark = true
	if wayward(b.account.class) && b.account.condition != condClock {
		b.account.condition = condUnreachable
		b.account.text = "LG's cloud cannot be reached: " + b.account.trouble
		b.accountChanged()
	}
	b.lapse()
	b.refreshAvailability()
}

// lapse notes that nothing tells any longer what the appliances do: calls have
// failed for a while, and there are no events. So each of them stays unavailable
// until it is heard of. Those that cannot be read have nothing but events.
func (b *Bridge) lapse() {
	if !b.account.dark || b.push.live {
		return
	}
	for _, d := range b.devices {
		d.lapsed = !d.unsupported["state"]
	}
}

// recovered shows what is known, and reads the rest, when LG is there again.
func (b *Bridge) recovered() {
	b.refreshAvailability()
	b.readAll("recovered")
}

// alive notes that an event came: LG is not out of reach, even if calls fail.
// A refused token is another matter.
func (b *Bridge) alive() {
	if b.account.failing.IsZero() || b.account.class != thinq.Busy {
		return
	}
	if b.account.dark {
		b.account.dark, b.account.until, b.account.tries = false, time.Time{}, 0
		b.account.condition, b.account.text = condOK, ""
		b.accountChanged()
		b.recovered()
	}
	b.account.failing, b.account.trouble = time.Time{}, ""
	b.later.cancel("dark")
}

// blind reports whether nothing tells what the appliances do: calls fail, and
// there are no events.
func (b *Bridge) blind() bool {
	return !b.account.failing.IsZero() && b.account.class == thinq.Busy && !b.push.live
}

// illness is how long calls have failed.
func (a account) illness() time.Duration {
	if a.ill.IsZero() {
		return 0
	}
	return time.Since(a.ill).Round(time.Second)
}

// accountChanged tells everybody, once for each change.
func (b *Bridge) accountChanged(more ...any) {
	a := b.account
	if a.condition == condOK {
		b.log.Info("the account works", append([]any{"state", a.condition}, more...)...)
	} else {
		attrs := []any{"state", a.condition, "hint", a.text}
		if !a.until.IsZero() {
			attrs = append(attrs, "until", a.until)
		}
		b.log.Warn("the account does not work", attrs...)
	}
	b.bridgeEvent("account_state", map[string]any{"state": a.condition, "text": a.text})
	b.publishInfo()
}
