package thinq

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// try makes a call that LG answers with err, and says whether it was made.
func try(b *Budget, l Lane, err error) bool {
	p, refusal := b.take(l)
	if refusal != nil {
		return false
	}
	b.settle(p, err)
	return true
}

// tries makes up to n calls and counts those that were made.
func tries(b *Budget, l Lane, n int) (made int) {
	for range n {
		if try(b, l, nil) {
			made++
		}
	}
	return made
}

func quota(after time.Duration) error { return &Error{Status: 401, Code: "1314", RetryAfter: after} }

func restart(t *testing.T, b *Budget) *Budget {
	t.Helper()
	data, err := json.Marshal(b.State())
	if err != nil {
		t.Fatal(err)
	}
	var s BudgetState
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return NewBudget(100, 40, s)
}

func TestBudgetShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(100, 40, BudgetState{})
		if n := tries(b, Background, 50); n != 40 {
			t.Errorf("%d background calls", n)
		}
		if n := tries(b, Start, 5); n != 0 {
			t.Errorf("%d start calls without a grant", n)
		}
		if n := tries(b, Command, 500); n != 500 {
			t.Errorf("%d commands", n)
		}
		_, err := b.take(Background)
		if e, ok := errors.AsType[*BudgetError](err); !ok || e.ByLG || time.Until(e.Until) != time.Hour {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Hour)
		if left, paused := b.Left(); left != 40 || !paused.IsZero() {
			t.Errorf("%d left, paused until %v", left, paused)
		}
		// Commands press background calls against the ceiling.
		tries(b, Command, 90)
		if left, _ := b.Left(); left != 10 || tries(b, Background, 40) != 10 {
			t.Errorf("%d left beside 90 commands", left)
		}
	})
}

func TestBudgetSlidingHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(100, 40, BudgetState{})
		b.Grant(164)
		var made []time.Time
		if n := tries(b, Start, 164); n != 164 {
			t.Fatalf("%d calls of a cold start of 40 appliances", n)
		}
		if left, _ := b.Left(); left != 10 || tries(b, Background, 40) != 10 {
			t.Errorf("%d background calls left after a large start", left)
		}
		time.Sleep(time.Hour)
		for range 24 * 60 {
			if try(b, Background, nil) {
				made = append(made, time.Now())
			}
			time.Sleep(time.Minute)
		}
		for i := 40; i < len(made); i++ {
			if made[i].Sub(made[i-40]) < time.Hour {
				t.Fatalf("41 calls in the hour from %v", made[i-40])
			}
		}
		if len(made) != 24*40 {
			t.Errorf("%d background calls in a day", len(made))
		}
	})
}

func TestBudgetGrants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(100, 0, BudgetState{})
		total := 0
		for range 20 { // a crash loop: state is saved after the grant, not after the calls
			b.Grant(44)
			saved := b.State()
			total += tries(b, Start, 44)
			b = NewBudget(100, 0, saved)
		}
		if total > 88 {
			t.Errorf("%d start calls in a crash loop", total)
		}
		time.Sleep(time.Hour)
		for range 40 { // appliances that show up one after the other
			b.Grant(4)
			if n := tries(b, Start, 5); n != 4 {
				t.Fatalf("%d calls for one appliance", n)
			}
		}
	})
}

// TestBudgetResume restarts: what was known is read at once, a first start within
// the same hour or not, until it looks like a crash loop.
func TestBudgetResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(100, 0, BudgetState{})
		b.Grant(44)
		tries(b, Start, 44)
		for i, want := range []int{11, 11, 11, 11, 0} {
			b = NewBudget(100, 0, b.State())
			b.Resume(11)
			if n := tries(b, Start, 11); n != want {
				t.Errorf("%d start calls at restart %d, want %d", n, i+1, want)
			}
		}
		time.Sleep(24 * time.Hour)
		for i, want := range []int{11, 11, 11, 11, 0} {
			b = NewBudget(100, 0, b.State())
			b.Resume(11)
			if n := tries(b, Start, 11); n != want {
				t.Errorf("%d start calls at restart %d a day later, want %d", n, i+1, want)
			}
		}
	})
}

func TestBudgetPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(100, 40, BudgetState{})
		for _, want := range []time.Duration{10, 20, 40, 80, 120, 120} {
			start := time.Now()
			if !try(b, Background, quota(0)) {
				t.Fatal("no call after the pause")
			}
			_, until := b.Left()
			if d := until.Sub(start); d < want*time.Minute*8/10 || d > want*time.Minute*12/10 {
				t.Errorf("paused for %v, want about %d min", d, want)
			}
			for _, l := range []Lane{Command, Start, Background} {
				_, err := b.take(l)
				if e, ok := errors.AsType[*BudgetError](err); !ok || !e.ByLG || !e.Until.Equal(until) || ClassOf(err) != Rate {
					t.Errorf("lane %d: %v", l, err)
				}
			}
			b = restart(t, b)
			if _, same := b.Left(); !same.Equal(until) {
				t.Errorf("paused until %v before the restart and until %v after it", until, same)
			}
			time.Sleep(time.Until(until))
		}
		if !try(b, Background, nil) {
			t.Fatal("no call after the pause")
		}
		time.Sleep(pauseMemory + time.Minute)
		start := time.Now()
		try(b, Background, quota(0))
		if _, until := b.Left(); until.Sub(start) > 12*time.Minute {
			t.Errorf("paused for %v after hours of peace", until.Sub(start))
		}
	})
}

func TestBudgetRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(100, 40, BudgetState{})
		try(b, Background, quota(90*time.Second))
		if _, until := b.Left(); time.Until(until) != 90*time.Second {
			t.Errorf("paused until %v", until)
		}
	})
}

// One call goes first when a pause is over, and the others when it was answered.
func TestF003OneProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(100, 40, BudgetState{})
		try(b, Background, quota(time.Minute))
		time.Sleep(time.Minute)
		probe, err := b.take(Background)
		if err != nil {
			t.Fatal(err)
		}
		if try(b, Background, nil) {
			t.Error("a second call before the first was answered")
		}
		if !try(b, Command, errors.New("connection reset")) {
			t.Error("a command waits for the probe")
		}
		b.settle(probe, errors.New("connection reset"))
		if probe, err = b.take(Background); err != nil || !probe.probe {
			t.Fatalf("no second probe after the first had no answer: %v", err)
		}
		b.settle(probe, &Error{Status: 416, Code: "1222"})
		if n := tries(b, Background, 3); n != 3 {
			t.Errorf("%d calls after the probe", n)
		}
	})
}

// TestBudgetTogether has two calls under way when LG refuses.
func TestBudgetTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(100, 40, BudgetState{})
		first, _ := b.take(Background)
		second, _ := b.take(Background)
		third, _ := b.take(Background)
		b.settle(first, quota(0))
		_, until := b.Left()
		b.settle(second, quota(0))
		b.settle(third, nil)
		if _, same := b.Left(); !same.Equal(until) || b.State().Pause != pauseFirst {
			t.Errorf("paused until %v, then until %v (%v)", until, same, b.State().Pause)
		}
	})
}

func TestBudgetLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(100, 40, BudgetState{})
		tries(b, Command, 30)
		tries(b, Background, 19)
		try(b, Background, quota(time.Minute)) // the fiftieth
		time.Sleep(time.Minute)
		if left, _ := b.Left(); left != 0 {
			t.Errorf("%d left at the limit", left)
		}
		b = restart(t, b)
		time.Sleep(time.Hour)
		if n := tries(b, Background, 50); n != 40 {
			t.Errorf("%d background calls below a ceiling of 40", n)
		}
		b.Grant(10)
		if start, commands := tries(b, Start, 10), tries(b, Command, 10); start != 10 || commands != 10 {
			t.Errorf("%d start calls and %d commands above the ceiling", start, commands)
		}
		time.Sleep(learntMemory)
		tries(b, Command, 45)
		if n := tries(b, Background, 40); n != 40 {
			t.Errorf("%d background calls a day later", n)
		}
	})
}

// TestBudgetOthersUseTheQuota refuses when hardly a call was made: that is no
// lesson, and a start goes on as soon as LG lets it.
func TestBudgetOthersUseTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(100, 40, BudgetState{})
		b.Grant(164)
		tries(b, Start, 4)
		for range 3 { // 10, 20 and 40 minutes
			try(b, Start, quota(0))
			_, until := b.Left()
			time.Sleep(time.Until(until))
		}
		if n := tries(b, Start, 157); n != 157 {
			t.Errorf("%d start calls after the pause", n)
		}
		time.Sleep(time.Hour)
		if left, _ := b.Left(); left != 40 {
			t.Errorf("%d background calls left", left)
		}
	})
}

func TestBudgetState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(100, 40, BudgetState{})
		b.Grant(3)
		tries(b, Start, 3)
		tries(b, Background, 30)
		tries(b, Command, 5)
		if got := tries(restart(t, b), Background, 40); got != 10 {
			t.Errorf("%d background calls after a restart", got)
		}
		if diff := cmp.Diff(b.State(), restart(t, b).State()); diff != "" {
			t.Errorf("state (-before +after):\n%s", diff)
		}
		// A state from another time does no harm.
		future := time.Now().AddDate(30, 0, 0)
		s := BudgetState{Until: future, Start: 1 << 40, Pause: time.Minute}
		s.Calls[Background] = []time.Time{future, time.Now().AddDate(-1, 0, 0)}
		b = NewBudget(100, 40, s)
		if _, until := b.Left(); time.Until(until) > maxRetryAfter {
			t.Errorf("paused until %v", until)
		}
		if n := len(b.State().Calls[Background]); n != 1 {
			t.Errorf("%d calls of another time", n)
		}
		time.Sleep(time.Hour)
		if n := len(b.State().Calls[Background]); n != 0 {
			t.Errorf("%d calls of another time after an hour", n)
		}
	})
}

func TestNoBudget(t *testing.T) {
	var b *Budget
	if n := tries(b, Background, 10_000); n != 10_000 {
		t.Errorf("%d calls", n)
	}
	b.Grant(1)
	if left, _ := b.Left(); left < 1<<30 || b.State().Start != 0 {
		t.Errorf("%d calls left", left)
	}
	if laneOf(t.Context()) != Background || laneOf(WithLane(t.Context(), Start)) != Start {
		t.Error("lanes")
	}
}
