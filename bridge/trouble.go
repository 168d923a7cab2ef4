package bridge

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// The kinds of trouble that the bridge itself may be in. Those of an account and
// of an appliance are told elsewhere.
const (
	troubleDisk     = "disk"
	troubleDelivery = "delivery"
	troubleRecord   = "record"
	troubleShare    = "share"
	troubleBroker   = "broker refuses " // and the kind of message
)

// A trouble is a condition that lasts until something is done about it.
type trouble struct {
	text  string
	since time.Time
}

// troubled notes a trouble: one line in the log when it begins or becomes another
// one, and a sentence in bridge/info and on the page while it lasts.
func (b *Bridge) troubled(kind, text string) {
	was, old := b.troubles[kind]
	if old && was.text == text {
		return
	}
	since := time.Now()
	if old {
		since = was.since
	} else {
		b.log.Error("a standing problem", "problem", text)
	}
	b.troubles[kind] = trouble{text, since}
	b.publishInfo()
}

// well notes the end of a trouble.
func (b *Bridge) well(kind string) {
	was, old := b.troubles[kind]
	if !old {
		return
	}
	delete(b.troubles, kind)
	b.log.Info("a problem has ended", "problem", was.text, "duration", time.Since(was.since).Round(time.Second))
	b.publishInfo()
}

// problems are all troubles in words.
func (b *Bridge) problems() []string {
	all := []string{}
	for _, kind := range slices.Sorted(maps.Keys(b.troubles)) {
		all = append(all, b.troubles[kind].text)
	}
	if b.o.Trouble != nil {
		all = append(all, b.o.Trouble()...)
	}
	return all
}

// checkShare notes that a start stands still: earlier ones have used up the calls
// that it needs.
func (b *Bridge) checkShare() {
	free := b.o.Budget.Free()
	if b.settled || free.IsZero() {
		b.well(troubleShare)
		return
	}
	_, paused := b.o.Budget.Left()
	if b.running > 0 || latest(paused, b.account.until).After(time.Now()) {
		return // a call goes on, or LG itself is why there are none
	}
	b.troubled(troubleShare, "the hourly share of calls is used up, as after many restarts: appliances are unavailable until they report, or can be read from "+
		free.Local().Format(time.TimeOnly)+" on; commands work")
}

// checkOutbox notes what the broker does not take, by kind of message.
func (b *Bridge) checkOutbox() {
	now := b.outbox.refusals()
	for kind, text := range now {
		b.troubled(troubleBroker+kind, text)
	}
	for kind := range maps.Clone(b.troubles) {
		if of, refused := strings.CutPrefix(kind, troubleBroker); refused && now[of] == "" {
			b.well(kind)
		}
	}
}
