package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A rig is what the daemon is measured with: the simulated cloud, an embedded
// broker and the configuration that joins them.
type rig struct {
	testing.TB
	cloud  *thinqtest.Server
	broker *linktest.Broker
	cfg    *Config
}

func newRig(tb testing.TB, o thinqtest.Options) *rig {
	tb.Helper()
	o.CallsPerHour = -1
	cloud, err := thinqtest.NewServer(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(cloud.Close)
	r := &rig{TB: tb, cloud: cloud, cfg: new(defaults())}
	ca := filepath.Join(tb.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, cloud.CA, 0o600); err != nil {
		tb.Fatal(err)
	}
	r.cfg.ThinQ.Country, r.cfg.ThinQ.Token, r.cfg.ThinQ.APIURL, r.cfg.ThinQ.CAFile = "KR", Secret(cloud.Token), cloud.URL, ca
	r.cfg.HTTP.Listen = ""
	r.reset()
	return r
}

// reset forgets everything local: state folder and broker.
func (r *rig) reset() {
	r.Helper()
	r.cfg.StateDir = filepath.Join(r.TempDir(), "state")
	r.freshBroker()
}

func (r *rig) freshBroker() {
	r.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.Fatal(err)
	}
	broker, err := linktest.NewBroker(linktest.Options{Listener: listener})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { broker.Close() })
	r.broker, r.cfg.MQTT.URL = broker, broker.URL().String()
}

// start runs the daemon as `thinq2mqtt run` does.
func (r *rig) start() (stop func()) {
	r.Helper()
	a := &app{secrets: new(redactor)}
	handler, level := newHandler(Log{Level: "error", Format: "text"}, os.Stderr, a.source(""))
	if err := r.cfg.Validate(); err != nil {
		r.Fatal(err)
	}
	d, err := a.newDaemon(r.cfg, handler, level)
	if err != nil {
		r.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			r.Error(err)
		}
	}
}

// await looks until a condition holds.
func (r *rig) await(what string, holds func() bool) {
	r.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(90 * time.Second); !holds(); <-look.C {
		if time.Now().After(deadline) {
			r.Fatalf("no %s in time", what)
		}
	}
}

// homeOf is n appliances with ids of their own.
func homeOf(tb testing.TB, n int) []thinqtest.Sample {
	tb.Helper()
	home, err := repeated(thinqtest.Samples(), n)
	if err != nil {
		tb.Fatal(err)
	}
	return home
}

// calls waits until no call has come for a while, and gives their number and
// when the last one was answered.
func (r *rig) calls(since int, delay time.Duration) (n int, last time.Time) {
	r.Helper()
	quiet := max(5*delay, 500*time.Millisecond)
	r.await("end of the start", func() bool {
		all := r.cloud.Calls(since)
		if len(all) == 0 {
			return false
		}
		n, last = len(all), all[len(all)-1].Time.Add(delay)
		return time.Since(last) > quiet
	})
	return n, last
}

// BenchmarkStart prints what a start costs, against the least that LG's round
// trips allow when two are under way at a time:
//
//	go test ./cmd/thinq2mqtt -run '^$' -bench Start -benchtime 1x
func BenchmarkStart(b *testing.B) {
	const delay = 100 * time.Millisecond
	for _, n := range []int{1, 30, 300} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				r := newRig(b, thinqtest.Options{Samples: homeOf(b, n), APIDelay: delay, ReportDelay: time.Millisecond})
				cold := r.measureStart(n, delay)
				r.freshBroker()
				warm := r.measureStart(n, delay)
				fmt.Printf("\n%4d appliances  cold: %v\n                 warm: %v\n", n, cold, warm)
				b.ReportMetric(float64(cold.calls), "cold-calls")
				b.ReportMetric(cold.ratio(), "cold-ratio")
				b.ReportMetric(float64(warm.calls), "warm-calls")
				b.ReportMetric(warm.ratio(), "warm-ratio")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// A startCost is what one start took.
type startCost struct {
	calls         int
	took, minimum time.Duration // until LG had answered the last call
	first, all    time.Duration // until the first, and every, appliance was on the broker
}

func (c startCost) ratio() float64 { return float64(c.took) / float64(c.minimum) }

func (c startCost) String() string {
	return fmt.Sprintf("%4d calls in %7v, at least %7v (%.2f); first appliance after %v, all after %v",
		c.calls, c.took.Round(time.Millisecond), c.minimum, c.ratio(), c.first.Round(time.Millisecond), c.all.Round(time.Millisecond))
}

func (r *rig) measureStart(n int, delay time.Duration) (c startCost) {
	r.Helper()
	since, begun := len(r.cloud.Calls(0)), time.Now()
	stop := r.start()
	defer stop()
	announced := func() int { return len(r.broker.Messages(r.cfg.MQTT.BaseTopic + "/+/availability")) }
	r.await("first appliance", func() bool { return announced() > 0 })
	c.first = time.Since(begun)
	r.await("last appliance", func() bool { return announced() >= n })
	c.all = time.Since(begun)
	var last time.Time
	c.calls, last = r.calls(since, delay)
	c.took, c.minimum = last.Sub(begun), time.Duration((c.calls+1)/2)*delay
	return c
}

// BenchmarkCommand is the time from a command's topic to the control call:
//
//	go test ./cmd/thinq2mqtt -run '^$' -bench Command -benchtime 100x
func BenchmarkCommand(b *testing.B) {
	r := newRig(b, thinqtest.Options{Samples: homeOf(b, 1), ReportDelay: time.Millisecond})
	defer r.start()()
	r.calls(0, 0)
	sender := link.New(link.Options{URL: r.broker.URL(), ClientID: "sender"})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sender.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	<-sender.Up()
	topic, words := r.toggle()
	var times []time.Duration
	pace := time.NewTicker(300 * time.Millisecond) // beyond the window in which commands are merged
	defer pace.Stop()
	for i := range b.N {
		<-pace.C
		before, sent := len(r.cloud.Calls(0)), time.Now()
		if err := sender.Publish(ctx, link.Message{Topic: topic, Payload: []byte(words[i%2])}); err != nil {
			b.Fatal(err)
		}
		r.await("control call", func() bool { return len(r.cloud.Calls(0)) > before })
		times = append(times, r.cloud.Calls(before)[0].Time.Sub(sent))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(0, "ns/op")
}

// toggle is a command topic of the one appliance, and two words that it takes.
func (r *rig) toggle() (topic string, words [2]string) {
	r.Helper()
	for t := range r.broker.Messages(r.cfg.MQTT.BaseTopic + "/+/availability") {
		topic = strings.TrimSuffix(t, "/availability") + "/set/"
	}
	state, _ := r.broker.Retained(strings.TrimSuffix(topic, "/set/"))
	attr := regexp.MustCompile(`"(\w+_operation_mode)":"power_(on|off)"`).FindSubmatch(state)
	if attr == nil {
		r.Fatalf("nothing to switch in %s", state)
	}
	words = [2]string{"power_off", "power_on"}
	if string(attr[2]) == "off" {
		slices.Reverse(words[:])
	}
	return topic + string(attr[1]), words
}

// BenchmarkMemory is the resident memory and the number of goroutines of the
// real binary with 300 appliances, and with one:
//
//	go test ./cmd/thinq2mqtt -run '^$' -bench Memory -benchtime 1x
func BenchmarkMemory(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "thinq2mqtt")
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for _, n := range []int{1, 300} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				r := newRig(b, thinqtest.Options{Samples: homeOf(b, n)})
				mib, goroutines := r.weigh(binary, n)
				b.ReportMetric(mib, "MiB")
				b.ReportMetric(goroutines, "goroutines")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// weigh runs the binary until all is announced, and some reports went by.
func (r *rig) weigh(binary string, n int) (mib, goroutines float64) {
	r.Helper()
	page, err := nextFree("127.0.0.1:18099")
	if err != nil {
		r.Fatal(err)
	}
	address := page.Addr().String()
	page.Close()
	dir := r.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			r.Fatal(err)
		}
	}
	write("token", r.cloud.Token)
	write("config.yaml", fmt.Sprintf("thinq: {country: KR, token_file: %q, api_url: %q, ca_file: %q}\nmqtt: {url: %q}\nhttp: {listen: %q}\nstate_dir: %q\nlog: {level: error}\n",
		filepath.Join(dir, "token"), r.cloud.URL, r.cfg.ThinQ.CAFile, r.cfg.MQTT.URL, address, filepath.Join(dir, "state")))
	cmd := exec.Command(binary, "run", "--config", filepath.Join(dir, "config.yaml"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			r.Errorf("%v: %s", err, stderr.String())
		}
	}()
	r.await("appliances", func() bool {
		return len(r.broker.Messages(r.cfg.MQTT.BaseTopic+"/+/availability")) >= n
	})
	r.calls(0, 0)
	for _, d := range r.cloud.Devices() {
		r.cloud.SetOnline(d.ID, false)
		r.cloud.SetOnline(d.ID, true)
	}
	return r.resident(cmd.Process.Pid), r.metric(address, "go_goroutines")
}

// resident is VmRSS in MiB (proc_pid_status(5)).
func (r *rig) resident(pid int) float64 {
	r.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		r.Skip("no /proc on this system")
	}
	kib := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	n, _ := strconv.ParseFloat(string(kib[1]), 64)
	return n / 1024
}

func (r *rig) metric(address, name string) float64 {
	r.Helper()
	answer, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		r.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	value := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
	if cmp.Or(err) != nil || value == nil {
		r.Fatalf("no metric %s: %v", name, err)
	}
	n, _ := strconv.ParseFloat(string(value[1]), 64)
	return n
}
