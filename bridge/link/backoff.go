package link

import (
	"math/rand/v2"
	"slices"
	"time"
)

// LocalBackoff is for a broker in the house: 1 s doubling to 60 s, forgotten
// after 60 s of connection, at most 10 attempts a minute (some brokers ban a
// client at 15).
var LocalBackoff = Backoff{Min: time.Second, Max: time.Minute, Stable: time.Minute, PerMinute: 10}

// CloudBackoff is for LG's broker: 2 s doubling to 300 s, forgotten after 10 min
// of connection, at most 3 attempts a minute.
var CloudBackoff = Backoff{Min: 2 * time.Second, Max: 5 * time.Minute, Stable: 10 * time.Minute, PerMinute: 3}

// orDefault fills what is zero with the numbers for the local broker.
func (b Backoff) orDefault() Backoff {
	d := LocalBackoff
	if b.Min > 0 {
		d.Min = b.Min
	}
	if b.Max > 0 {
		d.Max = b.Max
	}
	if b.Stable > 0 {
		d.Stable = b.Stable
	}
	if b.PerMinute > 0 {
		d.PerMinute = b.PerMinute
	}
	d.Max = max(d.Max, d.Min)
	return d
}

// grudgeMemory is how long after its wait a refusal is held against the next
// one of the same reason.
const grudgeMemory = 30 * time.Minute

// A Pacer says when to connect next. The library's own counter starts anew after
// every connection that came up, so that a broker which accepts and drops, or a
// twin with our client id, would make us spin; this one remembers.
//
// It has no lock: one goroutine at a time may use it.
type Pacer struct {
	Backoff
	ceiling  time.Duration // full jitter below it; 0 until the first attempt
	started  bool
	attempts []time.Time // the last PerMinute of them
	up       time.Time   // since when connected; zero when not
	floor    time.Duration
	short    int  // connections in a row that did not last
	grudge   byte // the reason among rests that sent us away
	times    int  // how often, as far as it is not forgotten
	rested   time.Time
}

// NewPacer makes a pacer; what is zero is as for the local broker.
func NewPacer(b Backoff) *Pacer { return &Pacer{Backoff: b.orDefault()} }

// Next is the time to wait before the next attempt, and takes that attempt as made.
// Whoever asks before its time has come takes over from somebody who waited for
// it and is gone: it is still the next one.
func (p *Pacer) Next(now time.Time) time.Duration {
	if n := len(p.attempts); n > 0 && p.attempts[n-1].After(now) && p.floor == 0 {
		return p.attempts[n-1].Sub(now)
	}
	at := now.Add(max(p.jittered(), p.floor, p.spread(now)))
	p.floor = 0
	if n := len(p.attempts); n >= p.PerMinute {
		if free := p.attempts[n-p.PerMinute].Add(time.Minute); free.After(at) {
			at = free
		}
		p.attempts = slices.Delete(p.attempts, 0, n-p.PerMinute+1)
	}
	p.attempts = append(p.attempts, at)
	return at.Sub(now)
}

// thrifty is how many of the attempts of a minute are spread over what is left of
// it. Whoever spends all of them in its first seconds finds a broker that was
// away for ten only when the minute is over.
const thrifty = 2

// spread is how long to wait so that the last attempts of a minute are apart.
func (p *Pacer) spread(now time.Time) time.Duration {
	lately := slices.DeleteFunc(slices.Clone(p.attempts), func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	left := p.PerMinute - len(lately)
	if left < 1 || left > thrifty || len(lately) == 0 {
		return 0
	}
	return lately[0].Add(time.Minute).Sub(now) / time.Duration(left+1)
}

// jittered is 0 the very first time, and afterwards anything up to a ceiling
// that doubles.
func (p *Pacer) jittered() time.Duration {
	if !p.started {
		p.started = true
		return 0
	}
	p.ceiling = min(max(2*p.ceiling, p.Min), p.Max)
	return rand.N(p.ceiling + 1)
}

// Connected and Lost tell the pacer of the connection's life; only a connection
// that lasted makes it forget.
func (p *Pacer) Connected(now time.Time) { p.up = now }

// Lost is for a connection that was up, and for an attempt in vain.
func (p *Pacer) Lost(now time.Time) {
	p.short++
	if !p.up.IsZero() && now.Sub(p.up) >= p.Stable {
		p.Forget()
	}
	p.up = time.Time{}
}

// Forget begins anew, as after a connection that lasted: nothing was wrong with
// the one that ended. PerMinute holds all the same.
func (p *Pacer) Forget() { p.ceiling, p.short, p.up = 0, 0, time.Time{} }

// Anew is for somebody who knows that the broker can be reached again: an attempt
// that is still waited for is not made, and the next one is as the first.
// PerMinute holds all the same.
func (p *Pacer) Anew(now time.Time) {
	p.Forget()
	p.started = false
	p.attempts = slices.DeleteFunc(p.attempts, now.Before)
}

// Excuse keeps an end from counting as one of many: what followed explained it.
func (p *Pacer) Excuse() { p.short = 0 }

// churning tells that one connection after the other is accepted and lost. Some
// brokers (Mosquitto 2.0 among them) do not say that a twin took it over.
func (p *Pacer) churning() bool { return p.short >= 3 }

// refused keeps us away for as long as the reason asks, and longer each time for
// those that come again.
func (p *Pacer) refused(code byte, now time.Time) {
	p.floor = reasons[code].floor
	waits, ok := rests[code]
	if !ok {
		return
	}
	if p.grudge != code || now.Sub(p.rested) >= grudgeMemory {
		p.grudge, p.times = code, 0
	}
	p.floor = waits[min(p.times, len(waits)-1)]
	p.times, p.rested = p.times+1, now.Add(p.floor)
}
