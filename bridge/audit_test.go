package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// audited runs with a dryer that may be started, an air conditioner and a folder.
func audited(t *testing.T, f func(h *home, log *diary)) {
	t.Helper()
	inHome(t, []string{"dry=dryer_heat_pump", ac}, func(h *home) {
		h.o.Discovery.Settings = func(string, string) discovery.Settings { return discovery.Settings{RemoteStart: true} }
		h.o.Store = h.folder()
		log := h.diary()
		h.cloud.quietly("dry", `{"runState":{"currentState":"INITIAL"},"remoteControlEnable":{"remoteControlEnabled":true}}`)
		h.start()
		h.cloud.forget()
		h.broker.forget()
		f(h, log)
	})
}

// record is the record of commands so far.
func (h *home) record() (lines []auditLine) {
	h.Helper()
	text, err := os.ReadFile(h.o.Store.path(auditFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.Fatal(err)
	}
	for text := range strings.Lines(string(text)) {
		var line auditLine
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			h.Errorf("%q: %v", text, err)
		}
		lines = append(lines, line)
	}
	return lines
}

func (h *home) press(attr string) {
	h.send(link.Message{Topic: h.topic("dry", "/set/"+attr), Payload: []byte("PRESS")})
}

// Each command has one line when it has ended, and one before its call if it had
// one, whatever happened to it; what was sent is in none.
func TestS38AuditOfEveryCommand(t *testing.T) {
	audited(t, func(h *home, _ *diary) {
		h.obedient(100 * time.Millisecond)
		h.cloud.fail("*", lgError("2305", 400), errors.New("reset"), lgError("2209", 400), lgError("1314", 401))
		const n = 40
		for i := range n {
			h.set("ac", fmt.Sprintf(`{"transaction":%d,%s}`, i, []string{
				fmt.Sprintf(`"target_temperature":%d`, 18+i%10), `"wind_strength":"topsecret"`, `"climate_mode":"cool"`, `"topsecret":1`, `"air_con_operation_mode":"power_off"`,
			}[i%5]))
			h.after(time.Duration(i%4) * 3 * time.Second)
		}
		h.send(link.Message{Topic: base + "/nobody/set", Payload: []byte(`{"transaction":"nobody","a":"topsecret"}`)})
		h.after(2 * time.Minute)
		calls, ends := map[string]int{}, map[string]int{}
		for _, line := range h.record() {
			if line.Stage == "call" {
				calls[line.Transaction]++
			} else if ends[line.Transaction]++; line.Decision == "" || len(line.Attributes) == 0 || line.Topic == "" {
				t.Errorf("%+v", line)
			}
		}
		if len(ends) != n+1 {
			t.Errorf("%d commands ended in the record, want %d", len(ends), n+1)
		}
		if ends["nobody"] != 1 {
			t.Errorf("a transaction is not written as it was sent: %v", ends)
		}
		if len(calls) == 0 {
			t.Error("no line before a call")
		}
		for name, count := range ends {
			if count != 1 || calls[name] > 1 {
				t.Errorf("%s: %d calls, %d ends", name, calls[name], count)
			}
		}
		text, _ := os.ReadFile(h.o.Store.path(auditFile))
		if clean := strings.ReplaceAll(string(text), `"topsecret":"`, ""); strings.Contains(clean, "topsecret") {
			t.Error("there is a value in the record")
		}
		if info, err := os.Stat(h.o.Store.path(auditFile)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	})
}

// The line of what may do harm is on the disk before LG is called: if the process
// dies then, it stands.
func TestS38AuditBeforeTheCall(t *testing.T) {
	audited(t, func(h *home, _ *diary) {
		var before []auditLine
		h.cloud.obey = func(string, []byte) { before = h.record() }
		h.press("start")
		h.after(time.Second)
		if len(before) != 1 || before[0].Stage != "call" || before[0].Rule != "remote_start" || before[0].Device != h.slug("dry") {
			t.Errorf("when LG was called there was %+v", before)
		}
	})
}

// When nothing can be recorded nothing is started that may do harm; all else goes
// on, with one warning and a metric.
func TestS38AuditCannotBeWritten(t *testing.T) {
	audited(t, func(h *home, log *diary) {
		path := h.o.Store.path(auditFile)
		if err := os.Mkdir(path, 0o700); err != nil { // which cannot be written, either
			t.Fatal(err)
		}
		h.press("start")
		h.after(time.Second)
		h.wantStages("dry", "rejected:no_record")
		h.press("power_off")
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Second)
		if made := h.cloud.made("control"); len(made) != 2 || strings.Contains(strings.Join(made, ""), "START") {
			t.Errorf("calls: %q", made)
		}
		if failed := testutil.ToFloat64(h.bridge.m.writes.WithLabelValues(auditFile, "error")); failed < 3 {
			t.Errorf("%v failed lines in the metric", failed)
		}
		if n := len(log.of("record of commands cannot be written")); n != 1 {
			t.Errorf("%d warnings", n)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		h.after(time.Minute)
		h.press("start")
		h.after(time.Second)
		if made := h.cloud.made("control dry"); len(made) != 2 || !strings.Contains(made[1], "START") {
			t.Errorf("calls when there is room again: %q", made)
		}
	})
}

// A full disk is noticed, and so is that it is full no more.
func TestS38AuditFull(t *testing.T) {
	a := &audit{path: "/dev/full", size: 1000}
	defer a.close()
	if err := a.write([]byte("line\n"), true); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	a.path = filepath.Join(t.TempDir(), auditFile)
	if err := a.write([]byte("line\n"), true); err != nil {
		t.Error(err)
	}
}

// A line that is insisted on is on the disk itself, and where that cannot be, as in
// a pipe, it counts as not written.
func TestS38AuditIsSynced(t *testing.T) {
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	a := &audit{file: to, size: 1000}
	defer a.close()
	if err := a.write([]byte("line\n"), false); err != nil {
		t.Error(err)
	}
	if err := a.write([]byte("line\n"), true); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("nobody waits for the disk: %v", err)
	}
}

// Only what may do harm waits for the disk, and not for ever.
func TestS38AuditOfASlowDisk(t *testing.T) {
	audited(t, func(h *home, _ *diary) {
		h.bridge.ask(h.Context(), func() { h.bridge.trail = &audit{entries: make(chan auditEntry)} })
		h.set("ac", `{"target_temperature":24}`)
		h.press("start")
		h.after(0)
		h.wantControls(1)
		h.after(auditWait)
		h.wantStages("dry", "rejected:no_record")
		h.wantControls(1)
	})
}

// The record takes no more than so many files of so much.
func TestS38AuditRotates(t *testing.T) {
	a := &audit{path: filepath.Join(t.TempDir(), auditFile), size: 1000}
	defer a.close()
	for i := range 1000 {
		if err := a.write(fmt.Appendf(nil, "line %d\n", i), false); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			a.close() // as after a restart
		}
	}
	files, _ := filepath.Glob(a.path + "*")
	if len(files) != auditFiles {
		t.Errorf("%q", files)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Size() > 1000 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info, err)
		}
	}
	if text, err := os.ReadFile(a.path); err != nil || !strings.HasSuffix(string(text), "line 999\n") {
		t.Errorf("ends with %q, %v", text, err)
	}
}

// A file that cannot be put aside grows, and nothing is lost.
func TestS38AuditThatCannotRotate(t *testing.T) {
	a := &audit{path: filepath.Join(t.TempDir(), auditFile), size: 20}
	defer a.close()
	for n := 1; n < auditFiles; n++ {
		if err := os.MkdirAll(fmt.Sprintf("%s.%d/full", a.path, n), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 10 {
		if err := a.write(fmt.Appendf(nil, "line %d\n", i), true); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(a.path); err != nil || strings.Count(string(text), "\n") != 10 {
		t.Errorf("%q, %v", text, err)
	}
}

// Heat is not started a third time in ten minutes; it is stopped at any time, and
// a start that LG refused does not count.
func TestS35StartsOfHeat(t *testing.T) {
	audited(t, func(h *home, _ *diary) {
		h.cloud.fail(`control dry {"operation":{"dryerOperationMode":"START"}}`, lgError("2302", 400))
		for range 4 {
			h.press("start")
			h.after(time.Minute)
			h.press("power_off")
			h.after(time.Minute)
		}
		if got := h.starts(); got != 3 {
			t.Errorf("%d starts, one of which LG refused, want 3", got)
		}
		last := h.results("dry")
		var refused *rejection
		for _, r := range last {
			if r.Error != nil && r.Error.Reason == "too_many" {
				refused = r.Error
			}
		}
		if refused == nil || refused.Until == nil || time.Until(*refused.Until) > 5*time.Minute || time.Until(*refused.Until) < 0 {
			t.Fatalf("refused: %+v", refused)
		}
		if off := len(h.cloud.made("control")) - h.starts(); off != 4 {
			t.Errorf("%d times switched off, want 4", off)
		}
		h.after(time.Until(*refused.Until) + time.Second)
		h.press("start")
		h.after(time.Minute)
		if got := h.starts(); got != 4 {
			t.Errorf("%d starts when the time has passed, want 4", got)
		}
	})
}

// starts are the calls that started the dryer.
func (h *home) starts() (n int) {
	for _, call := range h.cloud.made("control dry") {
		if strings.Contains(call, `"START"`) {
			n++
		}
	}
	return n
}

// Two places of one appliance are two ovens.
func TestS35StartsByPlace(t *testing.T) {
	upper, lower := thinq.Path{Location: "UPPER"}, thinq.Path{Location: "LOWER"}
	var o orders
	now := time.Now()
	o.ignite([]thinq.Path{upper, lower}, now)
	o.ignite([]thinq.Path{upper}, now.Add(time.Minute))
	if o.overheated([]thinq.Path{upper}, now.Add(heatWindow-time.Second)) == nil {
		t.Error("a third start")
	}
	if o.overheated([]thinq.Path{lower}, now.Add(time.Minute)) != nil || o.overheated([]thinq.Path{upper}, now.Add(heatWindow)) != nil {
		t.Error("refused without need")
	}
}
