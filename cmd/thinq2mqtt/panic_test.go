package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A bomb is a writer that panics once, when a certain text is written: in the
// goroutine that wrote it, with the content of a file in the panic's value.
type bomb struct {
	at, says string
	gone     atomic.Bool
}

func (b *bomb) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(b.at)) && !b.gone.Swap(true) {
		secret, err := os.ReadFile(b.says)
		panic(fmt.Sprintf("writing failed: %s %v", secret, err))
	}
	return os.Stderr.Write(p)
}

// bombed is the program with a bomb in the place of its log.
func bombed() {
	b := &bomb{at: os.Getenv("BOMB_AT"), says: os.Getenv("BOMB_SAYS")}
	os.Exit(run(context.Background(), os.Args[1:], os.Environ(), b, b))
}

// What a panic says goes through the redactor, wherever it happens, and ends the
// process as Go does.
func TestS04PanicIsRedacted(t *testing.T) {
	t.Parallel()
	for _, where := range []string{
		`msg=connected part=mqtt`, // the link
		`msg="status page"`,       // the page
		`msg="is this meant?"`,    // the start
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, thinqtest.Options{Samples: homeOf(t, 1)})
			dir := t.TempDir()
			token, config := filepath.Join(dir, "token"), filepath.Join(dir, "config.yaml")
			text := fmt.Sprintf("thinq: {country: KR, token_file: %q, api_url: %q, ca_file: %q}\nmqtt: {url: %q}\nhttp: {listen: '127.0.0.1:0'}\nstate_dir: %q\nlog: {level: debug}\n",
				token, r.cloud.URL, r.cfg.ThinQ.CAFile, r.cfg.MQTT.URL, r.cfg.StateDir)
			for path, content := range map[string]string{token: r.cloud.Token, config: text} {
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, "thinq2mqtt-bombed", "run", "--config", config)
			cmd.Env = append(unconfigured(), "BOMB_AT="+where, "BOMB_SAYS="+token)
			said, err := cmd.CombinedOutput()
			code := cmd.ProcessState.ExitCode()
			if code != exitPanic || !bytes.Contains(said, []byte("panic: writing failed: [secret] <nil>\n\ngoroutine ")) || bytes.Contains(said, []byte(r.cloud.Token)) {
				t.Errorf("%v: exit code %d\n%s", err, code, said)
			}
		})
	}
}

// The canary is found in each of forty positions, by each of the handlers.
func TestS04FortyPositions(t *testing.T) {
	t.Parallel()
	const pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAcanary0line0one0000000000000000000000000000000000\nAAAAcanaryline/two+two=\n-----END RSA PRIVATE KEY-----\n"
	r := new(redactor)
	r.hide(canary)
	r.hideKey("key", pem)
	type record struct {
		Text  string
		Bytes []byte
	}
	raw := []byte(canary)
	address := &url.URL{Scheme: "mqtt", User: url.UserPassword("me", canary), Host: "h", Path: "/" + canary, RawQuery: url.Values{"token": {canary}}.Encode()}
	inJSON, err := json.Marshal(record{canary, raw})
	if err != nil {
		t.Fatal(err)
	}
	positions := map[string]slog.Attr{
		"text": slog.String("v", canary), "in text": slog.String("v", "a"+canary+"b"), "twice": slog.String("v", canary+canary), "line": slog.String("v", "a\n"+canary+"\nb"),
		"key": slog.String(canary, "v"), "group": slog.Group(canary, "k", "v"), "in group": slog.Group("g", "k", canary), "deep": slog.Group("g", slog.Group("h", "k", canary)),
		"error": slog.Any("v", errors.New(canary)), "wrapped": slog.Any("v", fmt.Errorf("a: %w", errors.New(canary))), "joined": slog.Any("v", errors.Join(errors.New("a"), errors.New(canary))),
		"exec": slog.Any("v", &exec.Error{Name: canary, Err: os.ErrNotExist}), "path": slog.Any("v", &os.PathError{Op: "open", Path: canary, Err: os.ErrNotExist}),
		"url": slog.Any("v", address), "url error": slog.Any("v", &url.Error{Op: "Get", URL: address.String(), Err: os.ErrNotExist}), "redacted url": slog.String("v", address.Redacted()),
		"query": slog.String("v", url.QueryEscape(canary)), "path escape": slog.String("v", url.PathEscape(canary)), "user": slog.String("v", address.User.String()),
		"quoted": slog.String("v", strconv.Quote(canary)), "twice quoted": slog.Any("v", []string{strconv.Quote(canary)}), "go": slog.String("v", fmt.Sprintf("%#v", record{Text: canary})),
		"bytes": slog.Any("v", raw), "json": slog.Any("v", json.RawMessage(inJSON)), "json text": slog.String("v", string(inJSON)),
		"struct": slog.Any("v", record{Text: canary}), "pointer": slog.Any("v", &record{Text: canary}), "bytes in struct": slog.Any("v", &record{Bytes: raw}), "map": slog.Any("v", map[string]string{"a": canary}),
		"map key": slog.Any("v", map[string]int{canary: 1}), "slice": slog.Any("v", []string{"a", canary}), "stringer": slog.Any("v", address.User),
		"base64": slog.String("v", base64.StdEncoding.EncodeToString(raw)), "base64 raw": slog.String("v", base64.RawStdEncoding.EncodeToString(raw)), "base64 url": slog.String("v", base64.URLEncoding.EncodeToString(raw)),
		"base64 of more": slog.String("v", base64.StdEncoding.EncodeToString([]byte(canary+"~ and more"))), "hex": slog.String("v", fmt.Sprintf("%x", canary)), "capital hex": slog.String("v", fmt.Sprintf("%X", canary)),
		"private key": slog.String("v", pem), "line of it": slog.String("v", strings.Split(pem, "\n")[1]), "quoted key": slog.String("v", strconv.Quote(pem)), "key in json": slog.Any("v", map[string]string{"key": pem}),
		"log valuer": slog.Any("v", valuer{}), "cut": slog.String("v", strings.Repeat("x", longestValue-5)+canary),
	}
	if len(positions) < 40 {
		t.Errorf("only %d positions", len(positions))
	}
	traces := []string{"canary", fmt.Sprintf("%x", "canary"), fmt.Sprintf("%X", "canary"), base64.StdEncoding.EncodeToString(raw)[:16], "AAAAcanary"}
	clean := func(where, text string) {
		for _, trace := range traces {
			if strings.Contains(text, trace) {
				t.Errorf("%s: %s", where, text)
			}
		}
	}
	for name, a := range positions {
		for _, format := range []string{"text", "json", "tint"} {
			for way, log := range map[string]func(*slog.Logger){
				"value":  func(l *slog.Logger) { l.Info("m", a) },
				"with":   func(l *slog.Logger) { l.With(a).Info("m") },
				"group":  func(l *slog.Logger) { l.WithGroup(cmp.Or(a.Key, "g")).Info("m", a) },
				"format": func(l *slog.Logger) { l.Info(fmt.Sprintf("%v %+v", a, a.Value.Any())) },
			} {
				var b bytes.Buffer
				h, _ := newHandler(Log{Level: "debug", Format: format}, &b, source{})
				log(slog.New(r.handler(h)))
				clean(strings.Join([]string{name, format, way}, ", "), b.String())
			}
		}
	}
}

type valuer struct{}

func (valuer) LogValue() slog.Value { return slog.GroupValue(slog.String("k", canary)) }
