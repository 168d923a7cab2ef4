package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A mine is the binary at debug level with secrets wherever it takes one, and
// everything that came out of it.
type mine struct {
	*rig
	config   string
	page     string
	messages <-chan linktest.Msg
	secrets  map[string]string
	cmd      *exec.Cmd
	stderr   bytes.Buffer
	out      map[string]string
}

// brokerCanary looks different in every form.
const brokerCanary = "canary/of+the=broker: &%?@"

func newMine(t *testing.T, config string) *mine {
	t.Helper()
	c := newPartnerCloud(t)
	m := &mine{rig: &rig{TB: t, cloud: c.Server, cfg: c.cfg}, page: freePort(t), out: map[string]string{}}
	m.config = filepath.Join(filepath.Dir(c.cfg.StateDir), config)
	token, data := c.token(t)
	if err := bridge.HandOver(c.cfg.StateDir, data); err != nil {
		t.Fatal(err)
	}
	m.secrets = map[string]string{
		"access token": token.AccessToken, "refresh token": token.RefreshToken,
		"token": c.Token, "service key": c.ServiceKey, "client secret": c.ClientSecret,
		"broker's password": brokerCanary,
	}
	var err error
	if m.broker, err = linktest.NewBroker(linktest.Options{Addr: anyPort, Username: "bridge", Password: brokerCanary}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.broker.Close() })
	if m.messages, err = m.broker.Subscribe("#"); err != nil {
		t.Fatal(err)
	}
	return m
}

// way is how it is told where the broker is: with the password in the address,
// or in a file.
func (m *mine) way(inAddress bool) []string {
	m.Helper()
	address := m.broker.URL()
	if inAddress {
		address.User = url.UserPassword("bridge", brokerCanary)
		return []string{"THINQ2MQTT_MQTT__URL=" + address.String()}
	}
	file := filepath.Join(m.TempDir(), "password")
	if err := os.WriteFile(file, []byte(brokerCanary), 0o600); err != nil {
		m.Fatal(err)
	}
	return []string{"THINQ2MQTT_MQTT__URL=" + address.String(), "THINQ2MQTT_MQTT__USERNAME=bridge", "THINQ2MQTT_MQTT__PASSWORD_FILE=" + file}
}

// spawn starts it.
func (m *mine) spawn(settings []string) {
	m.Helper()
	m.cmd = exec.Command("thinq2mqtt", "run", "--config", m.config)
	m.cmd.Env = unconfigured()
	m.cmd.Env = append(append(m.cmd.Env, settings...), "THINQ2MQTT_HTTP__LISTEN="+m.page, "THINQ2MQTT_LOG__LEVEL=debug")
	m.cmd.Stderr, m.cmd.Stdout = &m.stderr, &m.stderr
	if err := m.cmd.Start(); err != nil {
		m.Fatal(err)
	}
	m.Cleanup(func() {
		m.cmd.Process.Kill()
		m.cmd.Wait()
		if m.Failed() {
			m.Log(m.stderr.String())
		}
	})
}

func (m *mine) online() {
	m.Helper()
	m.await("bridge that is online", func() bool {
		state, _ := m.broker.Retained("thinq2mqtt/bridge/state")
		return strings.Contains(string(state), "online") && len(m.broker.Clients()) > 0
	})
}

// says waits for a word in bridge/info.
func (m *mine) says(word string) {
	m.Helper()
	m.await(word, func() bool {
		info, _ := m.broker.Retained("thinq2mqtt/bridge/info")
		return strings.Contains(string(info), word)
	})
}

func (m *mine) publish(topic, payload string) {
	m.Helper()
	if err := m.broker.Publish("thinq2mqtt/"+topic, []byte(payload), false); err != nil {
		m.Fatal(err)
	}
}

// look reads all that the bridge tells.
func (m *mine) look(when string) {
	m.Helper()
	m.publish("bridge/request/diagnose", "")
	client := newBrowser()
	for _, path := range []string{"/", "/healthz", "/readyz?verbose", "/metrics", "/version"} {
		answer, err := client.Get("http://" + m.page + path)
		if err != nil {
			m.Fatal(err)
		}
		var text bytes.Buffer
		answer.Header.Write(&text)
		if _, err := text.ReadFrom(answer.Body); err != nil {
			m.Fatal(err)
		}
		answer.Body.Close()
		m.out[path+" "+when] = text.String()
	}
}

// suffer is what goes wrong with it, coming and going.
func (m *mine) suffer() {
	m.Helper()
	before := len(m.cloud.Calls(0))
	if err := m.cloud.Fault(thinqtest.Fault{Body: "echo"}); err != nil {
		m.Fatal(err)
	}
	m.publish("bridge/request/refresh", "")
	m.publish("bridge/request/discover", "")
	m.await("calls", func() bool { return len(m.cloud.Calls(before)) > 3 })
	m.look("while LG repeats what it was sent")
	m.cloud.ClearFaults()
	m.broker.Kill()
	m.await("end of the connection", func() bool { return len(m.broker.Clients()) == 0 })
	m.online()
	m.cloud.Allow(m.cloud.Token, thinqtest.Grant{Expires: time.Now().Add(-time.Hour)})
	m.cloud.RevokeSignIns()
	m.cmd.Process.Signal(syscall.SIGHUP)
	m.publish("bridge/request/refresh", "")
	m.says("auth_required")
	m.look("while nobody is signed in")
}

// finish stops it, and takes what it said and left.
func (m *mine) finish() {
	m.Helper()
	m.cmd.Process.Signal(syscall.SIGTERM)
	if err := m.cmd.Wait(); err != nil {
		m.Errorf("%v: %s", err, m.stderr.String())
	}
	m.out["log"] = m.stderr.String()
	for len(m.messages) > 0 {
		msg := <-m.messages
		m.out["topics"] += msg.Topic + "\n"
		m.out["messages"] += string(msg.Payload) + "\n"
	}
	m.leavings()
}

// leavings are the files of the state folder; what is in those for secrets is
// one.
func (m *mine) leavings() {
	m.Helper()
	root := filepath.Dir(m.cfg.StateDir)
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.Contains(path, "state") {
			return err
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		switch name := e.Name(); {
		case strings.HasPrefix(name, "identity.json"):
			var file struct {
				Data struct{ Identity struct{ Key string } }
			}
			if json.Unmarshal(text, &file) == nil && file.Data.Identity.Key != "" {
				m.secrets["private key"] = strings.Split(file.Data.Identity.Key, "\n")[5]
			}
		case strings.HasPrefix(name, "token.json"), strings.HasPrefix(name, "signin.json"):
		default:
			m.out["state folder"] += string(text)
		}
		return nil
	})
	if err != nil {
		m.Fatal(err)
	}
}

// shapes are the forms in which a secret may turn up.
func shapes(secret string) []string {
	all := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword("", secret).String()[1:],
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	for before := range 3 { // base64 differs with where it begins
		text := append(make([]byte, before), secret...)
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			all = append(all, e.EncodeToString(text[:len(text)/3*3])[(before*8+5)/6:])
		}
	}
	return all
}

// Nothing that the binary writes or sends holds a secret, whatever goes wrong.
func TestF107Canary(t *testing.T) {
	for _, config := range []string{"config.yaml", "config-oauth.yaml"} {
		t.Run(config, func(t *testing.T) {
			t.Parallel()
			m := newMine(t, config)
			m.spawn(m.way(config == "config.yaml"))
			m.online()
			m.says(`"push_state":"live"`)
			m.suffer()
			m.finish()
			for _, where := range []string{"log", "topics", "messages", "state folder"} {
				if m.out[where] == "" {
					t.Errorf("nothing came out: %s", where)
				}
			}
			if config == "config.yaml" && m.secrets["private key"] == "" {
				t.Error("there is no private key to look for")
			}
			for name, secret := range m.secrets {
				for _, shape := range shapes(secret) {
					for where, text := range m.out {
						if strings.Contains(text, shape) {
							t.Errorf("%s: the %s, as %s", where, name, fmt.Sprintf("%.8s…", shape))
						}
					}
				}
			}
		})
	}
}
