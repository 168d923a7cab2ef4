package bridge

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

const (
	lineLook     = 30 * time.Second // whether there is a new token
	lineFair     = 2 * time.Minute  // for a connection before its successor, however many tokens there are
	linePostpone = 10 * time.Minute // before another successor of a connection, after LG refused one
)

// CallbackOptions configure [Callback].
type CallbackOptions struct {
	Logger  *slog.Logger // default: none
	Backoff link.Backoff // zero: as for LG's event broker
	Agent   string       // name and version, for LG
	Proxy   *url.URL     // on the way; the environment is not asked for one
	// Dial, if set, replaces net.Dialer: tests use in-memory pipes.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Callback makes a [thinq.Subscriber] that has its events over LG's callback
// websocket. It replaces a connection before Amazon ends it and when the access
// token was renewed: the next one is up before the last one goes, so that
// nothing is lost and the order stays. It returns an error of class Blocked if
// the callback refuses two tokens in a row, and of class Auth if there is none.
func Callback(o CallbackOptions) thinq.Subscriber {
	o.Logger = hushedLog(cmp.Or(o.Logger, slog.New(slog.DiscardHandler)))
	if o.Backoff == (link.Backoff{}) {
		o.Backoff = link.CloudBackoff
	}
	c := &callback{CallbackOptions: o, pace: link.NewPacer(o.Backoff), told: map[string]bool{}}
	return func(ctx context.Context, ep thinq.Endpoint, handle func([]byte)) error {
		k := &caller{callback: c, ep: ep, handle: handle, attempts: make(chan attempt, 1)}
		return k.run(ctx)
	}
}

// A callback is what lasts from one run of the subscriber to the next.
type callback struct {
	CallbackOptions
	pace *link.Pacer
	told map[string]bool // what is wrong with messages and was said
}

// A caller is one run of the subscriber. Its goroutine owns all of it but what
// the line's reader uses: handle and told.
type caller struct {
	*callback
	ep       thinq.Endpoint
	handle   func([]byte)
	line     *line // what is read; nil: nothing
	seeking  bool  // an attempt is under way
	attempts chan attempt
	refused  thinq.Secret // the token that the callback refused last
	patient  time.Time    // no successor before
	problem  string       // why there is no connection
}

// An attempt is how an attempt to connect ended.
type attempt struct {
	line  *line // nil if err is not
	token thinq.Secret
	err   error
}

func (c *caller) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer c.end(cancel)
	c.pace.Anew(time.Now())
	ping, look := time.NewTicker(linePing), time.NewTicker(lineLook)
	defer ping.Stop()
	defer look.Stop()
	for {
		c.seek(ctx)
		select {
		case <-ctx.Done():
			return nil
		case a := <-c.attempts:
			if err := c.attempted(a); err != nil {
				return err
			}
			if a.err == nil {
				ping.Reset(linePing)
			}
		case <-c.line.ended():
			c.lost()
		case <-ping.C:
			c.line.ping()
		case <-look.C:
			if err := c.look(ctx); err != nil {
				return err
			}
		}
	}
}

// end leaves nothing behind.
func (c *caller) end(cancel context.CancelFunc) {
	cancel()
	if c.seeking {
		if a := <-c.attempts; a.line != nil {
			a.line.close()
		}
	}
	if c.line != nil {
		c.line.leave(0)
		c.tell(thinq.NoFlow)
	}
}

func (c *caller) tell(now thinq.Flow) {
	if c.ep.Told != nil {
		c.ep.Told(now)
	}
}

// seek begins an attempt if there is no connection, or one that is to be
// replaced.
func (c *caller) seek(ctx context.Context) {
	now := time.Now()
	if c.seeking || c.line != nil && (now.Before(c.line.until) || now.Before(c.patient)) {
		return
	}
	c.seeking = true
	wait, refused := c.pace.Next(now), c.refused
	go func() {
		a := attempt{err: pause(ctx, wait)}
		if a.err == nil {
			var token string
			token, a.err = c.ep.Token(ctx, string(refused))
			a.token = thinq.Secret(token)
		}
		if a.err == nil {
			a.line, a.err = c.open(ctx, c.ep, a.token)
		}
		c.attempts <- a
	}()
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// attempted judges an attempt; an error ends the run.
func (c *caller) attempted(a attempt) error {
	c.seeking = false
	if a.err == nil {
		c.refused, c.problem = "", ""
		c.adopt(a.line)
		return nil
	}
	if c.line == nil {
		c.pace.Lost(time.Now())
	}
	_, refused := errors.AsType[refusal](a.err)
	class := thinq.ClassOf(a.err)
	switch hopeless := class == thinq.Auth || class == thinq.Blocked; {
	case refused && c.refused == "":
		c.refused = a.token // another one may do
		return nil
	case hopeless && c.line == nil:
		return a.err
	case hopeless:
		c.refused, c.patient = "", time.Now().Add(linePostpone)
	}
	if problem := sentence(a.err); c.problem != problem {
		c.problem = problem
		c.Logger.Warn("no connection", "callback", c.ep.URL.Host, "problem", problem)
	}
	return nil
}

// adopt reads a new connection from now on, after all that the last one had.
func (c *caller) adopt(l *line) {
	select {
	case <-c.line.ended():
		c.lost() // perhaps before the new one was up
	default:
	}
	old := c.line
	if old != nil {
		c.pace.Forget()
		if !old.leave(lineDrain) {
			c.Logger.Warn("connection lost", "callback", c.ep.URL.Host, "problem", "nothing came from it when it was replaced")
			old = nil
		}
	}
	c.pace.Connected(time.Now())
	c.line = l
	go l.read(func(kind int, data []byte) { c.take(l, kind, data) })
	level := slog.LevelDebug // it takes the place of another one
	if old == nil {
		c.tell(thinq.FreshFlow)
		level = slog.LevelInfo
	}
	c.Logger.Log(context.Background(), level, "connected", "callback", c.ep.URL.Host)
}

// lost forgets a connection that ended.
func (c *caller) lost() {
	l := c.line
	c.line = nil
	c.pace.Lost(time.Now())
	l.close()
	c.tell(thinq.NoFlow)
	level := slog.LevelWarn
	if websocket.IsCloseError(l.err, websocket.CloseGoingAway, websocket.CloseNormalClosure) {
		level = slog.LevelDebug // all connections end so
	}
	c.Logger.Log(context.Background(), level, "connection lost", "callback", c.ep.URL.Host, "problem", words(l.err))
}

// look has the connection replaced when the token was renewed. A source of
// tokens renews by itself, in time, when it is asked. Once nobody is signed in,
// nothing is read for them any longer.
func (c *caller) look(ctx context.Context) error {
	if c.line == nil || c.seeking {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	token, err := c.ep.Token(ctx, "")
	switch {
	case errors.Is(err, thinq.ErrNoSignIn):
		return err
	case err == nil && !c.line.token.Is(token):
		c.line.until = c.line.opened.Add(lineFair)
	}
	return nil
}

// take hands a message over, if it is one.
func (c *caller) take(l *line, kind int, data []byte) {
	switch {
	case len(data) > lineLimit:
		c.drop(l, "too_large", "more than 128 KiB")
	case kind != websocket.TextMessage:
		c.drop(l, "binary", "it is no text")
	default:
		if _, err := thinq.ParseEvent(data); err != nil {
			c.drop(l, "malformed", err.Error())
			return
		}
		c.handle(data)
	}
}

// severalProblems is how many kinds of bad messages are told at most.
const severalProblems = 16

func (c *caller) drop(l *line, reason, problem string) {
	if c.ep.Dropped != nil {
		c.ep.Dropped(reason)
	}
	if strings.Contains(problem, string(l.token[:min(16, len(l.token))])) {
		problem = reason // it repeats what must not be written
	}
	if c.told[problem] || len(c.told) >= severalProblems {
		return
	}
	c.told[problem] = true
	c.Logger.Warn("a message on the callback is no event", "problem", problem)
}
