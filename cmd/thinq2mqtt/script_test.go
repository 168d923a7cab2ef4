package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
)

// patience is how long a script waits for what must happen.
const patience = 2 * time.Minute

// TestScripts runs the binary. Commands beyond those of testscript:
//
//	exits CODE thinq2mqtt ARG...     run, and check the exit code
//	start NAME thinq2mqtt ARG...     start, wait for the ready line, and set a variable for each of its keys
//	end NAME SIGNAL CODE             send a signal, wait, and check the exit code
//	signal NAME SIGNAL               send a signal to a process that is to go on
//	agree CODE thinq2mqtt login ARG... sign in as a user with a browser who agrees, and check the exit code
//	told NAME REGEXP                 wait until the log of a process matches
//	free NAME                        set a variable to an address that nobody listens on
//	get URL REGEXP                   ask until the answer matches
//	await URL TOPIC REGEXP           wait for a message
//	broker NAME                      start an empty broker, and set a variable to its address
//	publish URL TOPIC TEXT           send a message
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "start": start, "end": end, "signal": tell, "free": free, "get": get, "await": await, "publish": publish, "told": told, "agree": agree, "broker": broker,
		},
		Setup: func(e *testscript.Env) error {
			e.Values["running"] = running{}
			return nil
		},
	})
}

// running are the processes of a script, by name.
type running map[string]*exec.Cmd

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG...")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exited, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exited.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// environment is what of a script's variables its processes see.
func environment(ts *testscript.TestScript) (env []string) {
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GOCOVERDIR", "THINQ2MQTT_HTTP__LISTEN", "THINQ2MQTT_MQTT__URL", "THINQ2MQTT_MQTT__BASE_TOPIC", "THINQ2MQTT_STATE_DIR", "THINQ2MQTT_LOG__LEVEL", "THINQ2MQTT_ACCOUNTS__HOME__API_URL", "THINQ2MQTT_THINQ__OAUTH__API"} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME COMMAND ARG...")
	}
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environment(ts)
	log, err := os.Create(ts.MkAbs(args[0] + ".log"))
	ts.Check(err)
	ts.Defer(func() { log.Close() })
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Value("running").(running)[args[0]] = cmd
	ts.Defer(func() { cmd.Process.Kill() })
	if args[2] == "run" {
		return // says nothing
	}
	deadline := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer deadline.Stop()
	var ready map[string]any
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		said, _ := os.ReadFile(log.Name())
		ts.Fatalf("no ready line: %v\n%s", err, said)
	}
	ts.Check(json.Unmarshal(line, &ready))
	for key, value := range ready {
		ts.Setenv(strings.ToUpper(key), fmt.Sprint(value))
	}
}

func agree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: agree CODE COMMAND ARG...")
	}
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	until(ts, args[1], func() (bool, string) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, path, append(args[2:len(args):len(args)], "--no-browser", "--yes")...)
		cmd.Dir, cmd.Env = ts.MkAbs("."), environment(ts)
		var complaint strings.Builder
		cmd.Stderr = &complaint
		out, err := cmd.StdoutPipe()
		ts.Check(err)
		ts.Check(cmd.Start())
		for said := bufio.NewScanner(out); said.Scan(); {
			if address := strings.TrimSpace(said.Text()); strings.HasPrefix(address, "http://") {
				ts.Check(signInAt(address))
			}
		}
		cmd.Wait()
		if strings.Contains(complaint.String(), "is in use") {
			return false, complaint.String() // by another test: the simulated LG sends everybody to the same port
		}
		if code := strconv.Itoa(cmd.ProcessState.ExitCode()); code != args[0] {
			ts.Fatalf("exit code %s, want %s: %s", code, args[0], &complaint)
		}
		return true, ""
	})
}

// signInAt opens the page on which a sign-in starts, and agrees at the simulated
// LG.
func signInAt(address string) error {
	res, err := press(newBrowser(), address, "allow")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if at := res.Request.URL; at.Path != "/sign-in/done" || at.RawQuery != "" {
		return fmt.Errorf("the browser ends up at %s", at)
	}
	return nil
}

func end(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: end NAME SIGNAL CODE")
	}
	tell(ts, false, args[:2])
	cmd := ts.Value("running").(running)[args[0]]
	deadline := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer deadline.Stop()
	cmd.Wait()
	if code := strconv.Itoa(cmd.ProcessState.ExitCode()); code != args[2] {
		said, _ := os.ReadFile(ts.MkAbs(args[0] + ".log"))
		ts.Fatalf("exit code %s, want %s\n%s", code, args[2], said)
	}
}

func tell(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: signal NAME SIGNAL")
	}
	number, ok := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP}[args[1]]
	cmd := ts.Value("running").(running)[args[0]]
	if !ok || cmd == nil {
		ts.Fatalf("no such signal or process: %q", args)
	}
	ts.Check(cmd.Process.Signal(number))
}

func told(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: told NAME REGEXP")
	}
	want := regexp.MustCompile(args[1])
	until(ts, args[0]+".log", func() (bool, string) {
		said, err := os.ReadFile(ts.MkAbs(args[0] + ".log"))
		return err == nil && want.Match(said), string(said)
	})
}

func free(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: free NAME")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

// until tries again and again.
func until(ts *testscript.TestScript, what string, try func() (done bool, last string)) {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	end := time.After(patience)
	for {
		done, last := try()
		if done {
			return
		}
		select {
		case <-again.C:
		case <-end:
			ts.Fatalf("%s: not within %s; last: %s", what, patience, last)
		}
	}
}

func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: get URL REGEXP")
	}
	want := regexp.MustCompile(args[1])
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	until(ts, args[0], func() (bool, string) {
		res, err := client.Get(args[0])
		if err != nil {
			return false, err.Error()
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return err == nil && want.Match(body), res.Status + " " + string(body)
	})
}

// client connects to a broker; messages go to the channel.
func client(ts *testscript.TestScript, address string) (*paho.Client, <-chan *paho.Publish) {
	u, err := url.Parse(address)
	ts.Check(err)
	conn, err := net.Dial("tcp", u.Host)
	ts.Check(err)
	messages := make(chan *paho.Publish, 1024)
	c := paho.NewClient(paho.ClientConfig{
		Conn: conn,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			messages <- p.Packet
			return true, nil
		}},
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	id := rand.Text() // of its own: the demo's broker may hand a namesake's messages over before its CONNACK
	_, err = c.Connect(ctx, &paho.Connect{ClientID: id, KeepAlive: 60, CleanStart: true})
	ts.Check(err)
	return c, messages
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: await URL TOPIC REGEXP")
	}
	want := regexp.MustCompile(args[2])
	c, messages := client(ts, args[0])
	defer c.Disconnect(&paho.Disconnect{})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: args[1], QoS: 1}}})
	ts.Check(err)
	last := "nothing"
	for {
		select {
		case m := <-messages:
			last = m.Topic + " " + string(m.Payload)
			if want.Match(m.Payload) {
				return
			}
		case <-ctx.Done():
			ts.Fatalf("%s: nothing that matches %s; last: %s", args[1], want, last)
		}
	}
}

func publish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: publish URL TOPIC TEXT")
	}
	c, _ := client(ts, args[0])
	defer c.Disconnect(&paho.Disconnect{})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := c.Publish(ctx, &paho.Publish{Topic: args[1], QoS: 1, Payload: []byte(args[2])})
	ts.Check(err)
}

// broker NAME starts an empty broker and puts its address into a variable.
func broker(ts *testscript.TestScript, _ bool, args []string) {
	b, err := linktest.NewBroker(linktest.Options{Addr: "127.0.0.1:0"})
	ts.Check(err)
	ts.Defer(func() { b.Close() })
	ts.Setenv(args[0], b.URL().String())
}
