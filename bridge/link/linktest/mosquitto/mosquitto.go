// Package mosquitto runs the real Mosquitto for tests: on a free port of this
// machine, without persistence, gone when the test ends.
package mosquitto

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Options say how a [Server] is set up. The zero value lets everybody in.
type Options struct {
	// Authority, if set, makes the listener speak TLS under it.
	Authority *Authority
	// Mutual asks clients for a certificate of the authority.
	Mutual bool
	// Users are the passwords by user name; empty: anybody.
	Users map[string]string
	// ACL are the lines of an access file.
	ACL []string
	// Quiet logs no packets, for measurements.
	Quiet bool
	// Lines are added to the configuration.
	Lines []string
}

// A Server is one Mosquitto process.
type Server struct {
	URL *url.URL

	t      testing.TB
	o      Options
	folder string
	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process is gone
	log    *lines
}

// lack ends a test that needs a program which is not installed: skipped on
// somebody's machine, failed in continuous integration (CI is set), where a test
// that silently never runs would be none.
func lack(t testing.TB, program string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed, and CI is set", program)
	}
	t.Skipf("%s is not installed", program)
}

// Start runs a Mosquitto until the test ends. It skips the test where Mosquitto
// is not installed, except in continuous integration.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if _, err := binary(); err != nil {
		lack(t, "mosquitto")
	}
	s := &Server{t: t, o: o, folder: t.TempDir()}
	t.Cleanup(s.Stop)
	for range 3 { // somebody else may take the port before Mosquitto does
		port := freePort(t)
		s.URL = &url.URL{Scheme: "mqtt", Host: fmt.Sprintf("localhost:%d", port)}
		if o.Authority != nil {
			s.URL.Scheme = "mqtts"
		}
		s.write("mosquitto.conf", strings.Join(s.config(port), "\n")+"\n")
		if s.start() {
			return s
		}
	}
	t.Fatalf("mosquitto does not start:\n%s", s.log)
	return nil
}

// binary finds Mosquitto; distributions keep it out of a user's path.
func binary() (string, error) {
	if p, err := exec.LookPath("mosquitto"); err == nil {
		return p, nil
	}
	return exec.LookPath("/usr/sbin/mosquitto")
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (s *Server) config(port int) []string {
	c := []string{
		"per_listener_settings false",
		"persistence false",
		"log_dest stderr",
		"set_tcp_nodelay true",
		"max_queued_messages 100000",
		fmt.Sprintf("listener %d 127.0.0.1", port),
		fmt.Sprintf("allow_anonymous %t", len(s.o.Users) == 0),
	}
	if s.o.Quiet {
		c = append(c, "log_type information")
	} else {
		c = append(c, "log_type all")
	}
	if os.Geteuid() == 0 {
		c = append(c, "user root") // else it gives up the right to read our folder
	}
	if a := s.o.Authority; a != nil {
		cert, key := a.Files(s.t, "localhost")
		c = append(c, "cafile "+a.File(s.t), "certfile "+cert, "keyfile "+key, fmt.Sprintf("require_certificate %t", s.o.Mutual))
	}
	if len(s.o.Users) > 0 {
		c = append(c, "password_file "+s.write("users", passwords(s.o.Users)))
	}
	if len(s.o.ACL) > 0 {
		c = append(c, "acl_file "+s.write("acl", strings.Join(s.o.ACL, "\n")+"\n"))
	}
	return append(c, s.o.Lines...)
}

func (s *Server) write(name, text string) (path string) {
	s.t.Helper()
	path = filepath.Join(s.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// passwords makes a password file in the format of mosquitto_passwd: PBKDF2 with
// SHA-512, few rounds because it guards nothing.
func passwords(users map[string]string) string {
	var b strings.Builder
	for name, password := range users {
		salt := make([]byte, 12)
		_, _ = rand.Read(salt)
		key, err := pbkdf2.Key(sha512.New, password, salt, 101, 64)
		if err != nil {
			panic(err) // only for lengths that are not used here
		}
		enc := base64.StdEncoding
		fmt.Fprintf(&b, "%s:$7$101$%s$%s\n", name, enc.EncodeToString(salt), enc.EncodeToString(key))
	}
	return b.String()
}

// Restart stops the process if it runs and starts it on the same port. It
// returns when connections are taken.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	if !s.start() {
		s.t.Fatalf("mosquitto does not start again:\n%s", s.log)
	}
}

// start tells whether the process takes connections.
func (s *Server) start() bool {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	s.log = &lines{seen: make(chan struct{}), mark: []byte(" running")}
	cmd, ended := exec.Command(path, "-c", filepath.Join(s.folder, "mosquitto.conf")), make(chan struct{})
	cmd.Stderr = s.log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	s.cmd, s.ended = cmd, ended
	select {
	case <-s.log.seen:
		return true
	case <-ended:
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		<-ended
	}
	s.cmd = nil
	return false
}

// Stop ends the process with SIGTERM and waits for it.
func (s *Server) Stop() { s.signal(syscall.SIGTERM) }

// Kill ends the process as a power cut would.
func (s *Server) Kill() { s.signal(syscall.SIGKILL) }

func (s *Server) signal(sig os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig)
	<-s.ended
	s.cmd = nil
}

// Pause stops the process from doing anything until Continue: its sockets stay open.
func (s *Server) Pause()    { _ = s.cmd.Process.Signal(syscall.SIGSTOP) }
func (s *Server) Continue() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }

// Log is what the process wrote.
func (s *Server) Log() string { return s.log.String() }

// lines keeps a log and tells when a mark was seen in it.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	mark []byte
	seen chan struct{}
	done bool
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len() < 1<<20 {
		l.text.Write(p)
	}
	if !l.done && bytes.Contains(l.text.Bytes(), l.mark) {
		l.done = true
		close(l.seen)
	}
	return len(p), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Subscribe runs mosquitto_sub, an ordinary client, and gives each line it
// prints: topic, a space, payload. It returns when the subscription stands.
func (s *Server) Subscribe(filter string, args ...string) <-chan string {
	return Subscribe(s.t, s.URL, filter, args...)
}

// Subscribe is [Server.Subscribe] for any broker on this machine without TLS.
func Subscribe(t testing.TB, at *url.URL, filter string, args ...string) <-chan string {
	t.Helper()
	if _, err := exec.LookPath("mosquitto_sub"); err != nil {
		lack(t, "mosquitto_sub")
	}
	args = append([]string{"-h", at.Hostname(), "-p", cmp.Or(at.Port(), "1883"), "-t", filter, "-v", "-d", "-q", "1"}, args...)
	cmd := exec.Command("stdbuf", append([]string{"-oL", "mosquitto_sub"}, args...)...) // else a pipe hears only of messages
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c, stands := make(chan string, 1000), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { scan(out, c, stands) })
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		wg.Wait()
		_ = cmd.Wait()
	})
	select {
	case <-stands:
	case <-time.After(time.Minute):
		t.Fatalf("mosquitto_sub %s: no answer", filter)
	}
	return c
}

// scan tells messages from the debugging lines of mosquitto_sub.
func scan(out io.Reader, c chan<- string, stands chan struct{}) {
	defer close(c)
	in := bufio.NewScanner(out)
	for in.Scan() {
		switch line := in.Text(); {
		case strings.HasPrefix(line, "Subscribed ("):
			close(stands)
		case strings.HasPrefix(line, "Client "), line == "":
		default:
			c <- line
		}
	}
}
