// Package linktest has brokers for tests and for the demo: [Broker] runs inside
// the process, on TCP or in memory; [Mosquitto] is the real one.
package linktest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/subtle"
	"crypto/tls"
	"log/slog"
	"math"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Options configure a [Broker]. The zero value is a broker in memory that lets
// everybody in.
type Options struct {
	Listener net.Listener // serve this; else
	Addr     string       // listen here, for example "127.0.0.1:0"; else in memory only, see Dial

	TLS                *tls.Config // with server certificate; client certificates as it says
	Username, Password string      // empty: anybody
	// Allow, if set, decides who may publish (write) or subscribe to a topic.
	Allow  func(clientID, topic string, write bool) bool
	Limit  int          // of packets, in bytes; 0: none
	Logger *slog.Logger // default: none
}

// A Msg is a message as the broker saw it.
type Msg struct {
	Topic       string
	Payload     []byte
	Retain      bool
	Client      string // id of the client that published
	Reply       string // MQTT 5 response topic
	Correlation []byte
}

// A Broker is an MQTT 5 and 3.1.1 broker inside the process. Nothing survives Close.
type Broker struct {
	o      Options
	server *mochi.Server
	url    *url.URL
	lastID atomic.Int64
	mu     sync.Mutex
	conns  map[net.Conn]bool // also those of which no CONNECT came yet
	closed bool
}

// NewBroker starts a broker; Close stops it.
func NewBroker(o Options) (*Broker, error) {
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	b := &Broker{o: o, conns: map[net.Conn]bool{}, server: mochi.New(&mochi.Options{
		InlineClient:           true,
		Capabilities:           capabilities(o.Limit),
		Logger:                 o.Logger,
		SysTopicResendInterval: int64(time.Hour / time.Second), // each round stops the world to read memory statistics
	})}
	if err := b.server.AddHook(&rules{o: o}, nil); err != nil {
		return nil, err
	}
	if err := b.listen(); err != nil {
		return nil, err
	}
	return b, b.server.Serve()
}

// capabilities are raised so that the announcements of a whole house, retained,
// reach a client that has just connected.
func capabilities(limit int) *mochi.Capabilities {
	c := mochi.NewDefaultServerCapabilities()
	c.MaximumClientWritesPending = 1 << 14
	c.MaximumPacketSize = uint32(limit)
	c.MaximumInflight = math.MaxUint16
	c.ReceiveMaximum = math.MaxUint16
	c.MaximumMessageExpiryInterval = 0
	return c
}

func (b *Broker) listen() error {
	scheme := "mqtt"
	if b.o.TLS != nil {
		scheme = "mqtts"
	}
	ln := b.o.Listener
	if ln == nil && b.o.Addr == "" {
		b.url = &url.URL{Scheme: scheme, Host: "broker.test"}
		return b.server.AddListener(door{b, nil})
	}
	if ln == nil {
		var err error
		if ln, err = net.Listen("tcp", b.o.Addr); err != nil {
			return err
		}
	}
	b.url = &url.URL{Scheme: scheme, Host: ln.Addr().String()}
	return b.server.AddListener(door{b, ln})
}

// URL is where the broker is; port 0 has become a real one.
func (b *Broker) URL() *url.URL { return new(*b.url) }

// Dial connects to the broker in memory, whatever the address: it fits
// link.Options.Dial, and works under the virtual time of testing/synctest.
func (b *Broker) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	client, server := net.Pipe()
	if err := b.attach(newSpool(server)); err != nil {
		_ = client.Close()
		return nil, err
	}
	return client, nil
}

// Publish sends a message as if a client had published it with QoS 1.
func (b *Broker) Publish(topic string, payload []byte, retain bool) error {
	return b.server.Publish(topic, payload, retain, 1)
}

// PublishMsg is Publish with a response topic and correlation data.
func (b *Broker) PublishMsg(m Msg) error {
	inline, _ := b.server.Clients.Get(mochi.InlineClientId)
	return b.server.InjectPacket(inline, packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 1, Retain: m.Retain},
		TopicName:   m.Topic, Payload: m.Payload, PacketID: 1,
		Properties: packets.Properties{ResponseTopic: m.Reply, CorrelationData: m.Correlation},
	})
}

// Subscribe delivers what fits the filter from now on, and what is retained. The
// channel holds 4096; when nobody takes them, further ones are lost.
func (b *Broker) Subscribe(filter string) (<-chan Msg, error) {
	c := make(chan Msg, 4096)
	err := b.server.Subscribe(filter, int(b.lastID.Add(1)), func(_ *mochi.Client, _ packets.Subscription, p packets.Packet) {
		select {
		case c <- message(p):
		default:
		}
	})
	// The library has read what is retained without the lock of those who write it.
	// To have held it afterwards keeps that apart from what they write later.
	b.server.Topics.InlineUnsubscribe(-1, filter)
	return c, err
}

// Retained is the retained message of a topic.
func (b *Broker) Retained(topic string) (payload []byte, ok bool) {
	p, ok := b.server.Topics.Retained.Get(topic)
	return p.Payload, ok
}

// Messages are the retained messages that fit a filter, by topic. The library's
// own search reads what a client that publishes writes.
func (b *Broker) Messages(filter string) map[string][]byte {
	all := map[string][]byte{}
	for topic, p := range b.server.Topics.Retained.GetAll() {
		if fits(filter, topic) {
			all[topic] = p.Payload
		}
	}
	return all
}

// fits reports whether a topic fits a filter (MQTT 5, section 4.7).
func fits(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return false
	}
	if rest, all := strings.CutSuffix(filter, "/#"); all && fits(rest, topic) {
		return true
	}
	levels := strings.Split(topic, "/")
	for _, want := range strings.Split(filter, "/") {
		switch {
		case want == "#":
			return true
		case len(levels) == 0, want != "+" && want != levels[0]:
			return false
		}
		levels = levels[1:]
	}
	return len(levels) == 0
}

func message(p packets.Packet) Msg {
	return Msg{Topic: p.TopicName, Payload: bytes.Clone(p.Payload), Retain: p.FixedHeader.Retain, Client: p.Origin,
		Reply: p.Properties.ResponseTopic, Correlation: p.Properties.CorrelationData}
}

// Clients are the ids of the clients that are connected now.
func (b *Broker) Clients() []string {
	var ids []string
	for id, c := range b.server.Clients.GetAll() {
		if c.Net.Conn != nil && !c.Closed() {
			ids = append(ids, id)
		}
	}
	return ids
}

// Kill cuts all connections as a pulled cable would: wills are published.
func (b *Broker) Kill() {
	for _, c := range b.server.Clients.GetAll() {
		if c.Net.Conn != nil {
			_ = c.Net.Conn.Close()
		}
	}
}

// Close says goodbye to all clients and stops the broker.
func (b *Broker) Close() error {
	b.mu.Lock()
	was := b.closed
	b.closed = true
	b.mu.Unlock()
	if was {
		return nil
	}
	defer time.AfterFunc(time.Second, b.hangUp).Stop()
	return b.server.Close()
}

// hangUp ends the connections that the broker library does not know yet, of
// which the other end may be gone.
func (b *Broker) hangUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.conns {
		_ = c.Close()
	}
}

// rules let clients in and make up for the broker's weak points.
type rules struct {
	mochi.HookBase
	o Options
}

// ID implements mochi.Hook.
func (*rules) ID() string { return "rules" }

// Provides implements mochi.Hook.
func (*rules) Provides(b byte) bool {
	return bytes.IndexByte([]byte{mochi.OnConnect, mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnPacketEncode}, b) >= 0
}

// OnConnect lifts the client's Receive Maximum. What goes beyond it would be
// parked by the broker, sent on the next acknowledgement and then forgotten, so
// that the client's places never become free again.
func (*rules) OnConnect(c *mochi.Client, _ packets.Packet) error {
	c.Properties.Props.ReceiveMaximum = 0
	c.State.Inflight.ResetSendQuota(0)
	return nil
}

// OnPacketEncode says in CONNACK how large packets may be, which the broker
// library forgets.
func (r *rules) OnPacketEncode(_ *mochi.Client, p packets.Packet) packets.Packet {
	if p.FixedHeader.Type == packets.Connack {
		p.Properties.MaximumPacketSize = uint32(r.o.Limit)
	}
	return p
}

// OnConnectAuthenticate implements mochi.Hook.
func (r *rules) OnConnectAuthenticate(_ *mochi.Client, p packets.Packet) bool {
	return r.o.Username == "" && r.o.Password == "" ||
		subtle.ConstantTimeCompare(p.Connect.Username, []byte(r.o.Username))&
			subtle.ConstantTimeCompare(p.Connect.Password, []byte(r.o.Password)) == 1
}

// OnACLCheck implements mochi.Hook.
func (r *rules) OnACLCheck(c *mochi.Client, topic string, write bool) bool {
	return r.o.Allow == nil || r.o.Allow(c.ID, topic, write)
}
