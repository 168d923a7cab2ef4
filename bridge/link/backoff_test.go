package link

import (
	"testing"
	"time"
)

// attempts lets a pacer run for a while; life is how long each connection lasts.
func attempts(p *Pacer, during time.Duration, life time.Duration, connect bool) (times []time.Duration) {
	start := time.Unix(0, 0)
	now := start
	for now.Sub(start) < during {
		now = now.Add(p.Next(now))
		times = append(times, now.Sub(start))
		if connect {
			p.Connected(now)
			now = now.Add(life)
			p.Lost(now)
		}
	}
	return times
}

func worstMinute(times []time.Duration) (most int) {
	for i, from := range times {
		n := 0
		for _, t := range times[i:] {
			if t-from < time.Minute {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func TestPacerStaysBelowTheCeiling(t *testing.T) {
	for _, c := range []struct {
		name    string
		backoff Backoff
		life    time.Duration
		connect bool
	}{
		{"local, broker away", Backoff{}.orDefault(), 0, false},
		{"local, accepts and drops", Backoff{}.orDefault(), time.Millisecond, true},
		{"local, just stable", Backoff{}.orDefault(), time.Minute, true},
		{"local, hardly any wait", Backoff{Min: time.Nanosecond, Max: time.Nanosecond}.orDefault(), 0, true},
		{"cloud, accepts and drops", CloudBackoff, time.Millisecond, true},
		{"cloud, just stable", CloudBackoff, 10 * time.Minute, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &Pacer{Backoff: c.backoff}
			times := attempts(p, 6*time.Hour, c.life, c.connect)
			if times[0] != 0 {
				t.Errorf("first attempt after %v, want at once", times[0])
			}
			if got := worstMinute(times); got > c.backoff.PerMinute {
				t.Errorf("%d attempts in a minute, want %d at most", got, c.backoff.PerMinute)
			}
			if len(times) < 6*60/20 {
				t.Errorf("%d attempts in six hours: gave up?", len(times))
			}
			if len(p.attempts) > c.backoff.PerMinute {
				t.Errorf("remembers %d attempts", len(p.attempts))
			}
		})
	}
}

// A broker that was away for some seconds is found again within half a minute,
// however few attempts a minute has.
func TestPacerSpreadsItsAttempts(t *testing.T) {
	for range 1000 {
		p := NewPacer(CloudBackoff)
		p.Next(time.Unix(0, 0))
		lost := time.Unix(3600, 0)
		for now := lost; now.Sub(lost) < 40*time.Second; {
			wait := p.Next(now)
			if now = now.Add(wait); wait > 20*time.Second {
				t.Fatalf("waits %v until %v after the loss", wait, now.Sub(lost))
			}
		}
	}
}

// A successor waits for the attempt that was planned, not for one after it.
func TestPacerKeepsWhatWasPlanned(t *testing.T) {
	p := NewPacer(CloudBackoff)
	now := time.Unix(0, 0)
	for range 20 {
		now = now.Add(p.Next(now))
	}
	wait := p.Next(now)
	if again := p.Next(now.Add(wait / 3)); again != wait-wait/3 {
		t.Errorf("waits %v, and a third of that later %v", wait, again)
	}
}

// Who knows that the broker can be reached again waits for nothing that was
// planned, but a minute has no more attempts for that.
func TestPacerAnew(t *testing.T) {
	p := NewPacer(CloudBackoff)
	now := time.Unix(0, 0)
	for range 20 {
		now = now.Add(p.Next(now))
	}
	now = now.Add(time.Hour)
	p.Next(now)
	var made []time.Time
	for range 10 {
		p.Anew(now)
		wait := p.Next(now)
		if len(made) == 0 && wait != 0 {
			t.Errorf("waits %v", wait)
		}
		now = now.Add(wait)
		made = append(made, now)
	}
	for i := range made[CloudBackoff.PerMinute:] {
		if span := made[i+CloudBackoff.PerMinute].Sub(made[i]); span < time.Minute {
			t.Errorf("%d attempts in %v", CloudBackoff.PerMinute+1, span)
		}
	}
}

func TestPacerForgetsOnlyWhatWasStable(t *testing.T) {
	now := time.Unix(0, 0)
	p := &Pacer{Backoff: LocalBackoff}
	for range 10 {
		now = now.Add(p.Next(now))
		p.Connected(now)
		now = now.Add(59 * time.Second)
		p.Lost(now)
	}
	if p.ceiling != time.Minute {
		t.Errorf("ceiling %v after ten short connections, want 1m", p.ceiling)
	}
	p.Connected(now)
	now = now.Add(time.Minute)
	p.Lost(now)
	if wait := p.Next(now); wait > time.Second {
		t.Errorf("waits %v after a stable connection, want 1s at most", wait)
	}
}

func TestPacerKeepsAwayAfterRefusals(t *testing.T) {
	now := time.Unix(0, 0)
	p := &Pacer{Backoff: LocalBackoff}
	p.refused(badUser, now)
	if wait := p.Next(now); wait < 30*time.Second {
		t.Errorf("waits %v after a wrong password, want 30s at least", wait)
	}
	for _, least := range []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 30 * time.Minute} {
		p.refused(takenOver, now)
		wait := p.Next(now)
		if wait < least || wait > least+time.Minute {
			t.Errorf("waits %v after a takeover, want %v", wait, least)
		}
		now = now.Add(wait + time.Minute)
	}
	now = now.Add(30 * time.Minute)
	p.refused(takenOver, now)
	if wait := p.Next(now); wait > 2*time.Minute {
		t.Errorf("waits %v after the duel was forgotten, want a minute", wait)
	}
}
