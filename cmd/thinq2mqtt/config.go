package main

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Config is everything that can be configured. Defaults, the loader, its
// complaints, the commented sample and the JSON Schema all come from this one
// struct: koanf names the key, doc explains it, enum lists what is allowed,
// sample is shown in the place of the default. A doc of "-" is a key that the
// loader knows but that nobody is invited to use.
type Config struct {
	ThinQ         Account            `koanf:"thinq" doc:"The LG account whose appliances are bridged."`
	Accounts      map[string]Account `koanf:"accounts" doc:"Instead of thinq: several accounts, each under a label of its own with the same keys. Topics are then <base_topic>/<label>/…" sample:"{home: {country: KR, token_file: /run/secrets/home_token}}"`
	MQTT          MQTT               `koanf:"mqtt" doc:"The local broker; MQTT 5 is required."`
	HomeAssistant HomeAssistant      `koanf:"homeassistant" doc:"What Home Assistant is told."`
	HTTP          HTTP               `koanf:"http" doc:"Status page, health checks and metrics."`
	StateDir      string             `koanf:"state_dir" doc:"Folder for the identity at LG and the cache; losing it costs one registration, nothing else."`
	Log           Log                `koanf:"log" doc:"What is written to standard error."`
	Devices       map[string]Device  `koanf:"devices" doc:"Settings of single appliances, by id or slug: name, slug, ignore, remote_start (heat may be started from afar), optimistic, allow (properties that nobody knows and that may start something)." sample:"{oven_1a2b3c4d: {name: Oven, remote_start: true}}"`

	Mappings Mappings `koanf:"mappings" doc:"What you want to see otherwise, by type, slug or device id, then by attribute or LG's property: name, icon, class, unit, enabled, hide, and options, the labels of words." sample:"{washer: {current_state: {name: Programme, options: {end: Finished}}, detergent_setting: {hide: true}}}"`

	at          origins // where each key was set
	credentials string  // systemd's credentials folder
}

// Account is one LG account.
type Account struct {
	Country   string        `koanf:"country" doc:"Country of the account, ISO 3166-1 alpha-2. Required." sample:"KR"`
	Token     Secret        `koanf:"token" doc:"The token itself, instead of token_file."`
	TokenFile string        `koanf:"token_file" doc:"File with the personal access token, made at https://connect-pat.lgthinq.com." sample:"/run/secrets/thinq_token"`
	Events    string        `koanf:"events" doc:"How LG tells what changes: mqtt with a token, websocket with oauth, or off for reads only. Not set: what fits." enum:"mqtt,websocket,off"`
	APIURL    string        `koanf:"api_url" doc:"Address of the API; empty: LG's for the country. LG's test systems for partners: https://{region}-qa-ext.lgthinq.com (v1), https://{region}-qa-connect.lgthinq.com (v2), the region as check shows it."`
	CAFile    string        `koanf:"ca_file" doc:"PEM file of the authority to trust for api_url and its event broker; empty: the public ones."`
	Proxy     string        `koanf:"proxy" doc:"HTTP proxy on the way to LG, as in http://proxy:3128; empty: none, whatever the environment says. Events of an account with a token go past it."`
	OAuth     OAuth         `koanf:"oauth" doc:"Instead of a token, for partners of LG: the users of a service sign in with thinq2mqtt login."`
	Budget    Budget        `koanf:"budget" doc:"How much LG may be asked; commands of people are never held back by background_per_hour."`
	Reconcile time.Duration `koanf:"reconcile" doc:"How often each appliance is read, in case an event was lost."`
}

// OAuth is the sign-in of a partner account. ClientID says that the account is
// one.
type OAuth struct {
	ClientID         string `koanf:"client_id" doc:"The app key that LG gave you. Where it is set, the account is a partner's and has no token."`
	ClientSecret     Secret `koanf:"client_secret" doc:"The client secret itself, instead of client_secret_file."`
	ClientSecretFile string `koanf:"client_secret_file" doc:"File with the client secret, if LG gave you one."`
	ServiceID        string `koanf:"service_id" doc:"The id of your service at LG."`
	ServiceKey       Secret `koanf:"service_key" doc:"Its key itself, instead of service_key_file."`
	ServiceKeyFile   string `koanf:"service_key_file" doc:"File with the key of your service."`
	EMPURL           string `koanf:"emp_url" doc:"Address of the sign-in; empty: LG's for the country. That of LG's test system: https://qt-{country}.m.lgaccount.com/emp/v2, the country in small letters."`
	RedirectURL      string `koanf:"redirect_url" doc:"Where the browser is sent after the sign-in, letter by letter as registered with LG. login listens there; where that is not this machine, it wants --paste."`
	WebSocketURL     string `koanf:"websocket_url" doc:"Address of the websocket that tells what changes; empty: the one that LG's documents name."`
	API              string `koanf:"api" doc:"Which of LG's two partner APIs the service is registered for." enum:"v1,v2"`
}

// partner reports whether users sign in, instead of a token being configured.
func (a Account) partner() bool { return a.OAuth.ClientID != "" }

// way is the proxy on the way to LG, nil if there is none.
func (a Account) way() *url.URL {
	u, err := url.Parse(a.Proxy)
	if err != nil || a.Proxy == "" {
		return nil // validated
	}
	return u
}

// settle gives a key that nobody set the value that follows from others.
func (a *Account) settle() {
	switch {
	case a.Events != "":
	case a.partner():
		a.Events = "websocket"
	default:
		a.Events = defaultAccount().Events
	}
}

// Budget limits the calls to LG.
type Budget struct {
	CallsPerHour      int `koanf:"calls_per_hour" doc:"All calls of an hour."`
	BackgroundPerHour int `koanf:"background_per_hour" doc:"The part of them that nobody asked for: reads, renewals, lists."`
}

// MQTT is the local broker.
type MQTT struct {
	URL          string `koanf:"url" doc:"Address: mqtt, mqtts, ws or wss."`
	Username     string `koanf:"username" doc:"User name, if the broker wants one."`
	Password     Secret `koanf:"password" doc:"The password itself, instead of password_file."`
	PasswordFile string `koanf:"password_file" doc:"File with the password."`
	AllowPlain   bool   `koanf:"allow_plain" doc:"Send the password unencrypted even to a broker on the internet. Better: mqtts."`
	ClientID     string `koanf:"client_id" doc:"MQTT client id; empty: made once and kept in state_dir."`
	CAFile       string `koanf:"ca_file" doc:"PEM file of the authority that signed the broker's certificate."`
	CertFile     string `koanf:"cert_file" doc:"PEM file of a client certificate; needs key_file."`
	KeyFile      string `koanf:"key_file" doc:"PEM file of its key."`
	BaseTopic    string `koanf:"base_topic" doc:"First level of all topics."`
}

// HomeAssistant is MQTT discovery.
type HomeAssistant struct {
	Enabled         bool   `koanf:"enabled" doc:"Announce the appliances by MQTT discovery."`
	DiscoveryPrefix string `koanf:"discovery_prefix" doc:"Home Assistant's discovery prefix."`
	Language        string `koanf:"language" doc:"Language of names and labels: en (English), ko (Korean) or de (German). Keys and topics stay as they are." enum:"en,ko,de"`
	OptionLabels    bool   `koanf:"option_labels" doc:"Show the options of selects and sensors as readable labels in that language, not as LG's words. State documents and commands stay in words."`
	TemperatureUnit string `koanf:"temperature_unit" doc:"C, F, or auto: Celsius where the appliance can be set in it." enum:"auto,C,F"`
	EstimateAction  bool   `koanf:"estimate_action" doc:"Thermostats show heating, cooling or idle. LG does not say it: the bridge concludes it from mode and temperatures."`
}

// HTTP is the status page.
type HTTP struct {
	Listen       string `koanf:"listen" doc:"Address of the status page, /readyz and /metrics; empty: off."`
	AllowedHosts string `koanf:"allowed_hosts" doc:"Names by which browsers may ask for it, separated by commas. Addresses at home, localhost and this machine's name need not be listed."`
	Password     Secret `koanf:"password" doc:"The password itself, instead of password_file."`
	PasswordFile string `koanf:"password_file" doc:"File with a password that must be given, with any user name; empty: none. /livez needs none, nor does this machine where listen is its loopback address."`
	Ingress      bool   `koanf:"ingress" doc:"Home Assistant shows the page to its users: nobody but its Supervisor may ask for it, by any name."`
}

// supervisor is where Home Assistant's Supervisor asks from, in the network of its
// apps.
var supervisor = netip.MustParseAddr("172.30.32.2")

// names are the allowed hosts, and the one to listen on if it is a name.
func (h HTTP) names() (all []string) {
	for name := range strings.SplitSeq(h.AllowedHosts, ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			all = append(all, name)
		}
	}
	host, _, _ := net.SplitHostPort(h.Listen) // validated
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		all = append(all, strings.ToLower(host))
	}
	return all
}

// Log is the log.
type Log struct {
	Level  string `koanf:"level" doc:"debug, info, warn or error." enum:"debug,info,warn,error"`
	Format string `koanf:"format" doc:"auto (colours on a terminal, text elsewhere), text or json." enum:"auto,text,json"`
}

// Device is what a user says about one appliance.
type Device struct {
	Name        string   `koanf:"name" doc:"Display name instead of LG's alias."`
	Slug        string   `koanf:"slug" doc:"Name in topics; lower-case letters, digits and underscores."`
	Ignore      bool     `koanf:"ignore" doc:"Leave the appliance alone."`
	RemoteStart bool     `koanf:"remote_start" doc:"Heat may be started from afar (oven, cooktop, microwave, dryer …), and tap water made hotter than 60 °C."`
	Optimistic  bool     `koanf:"optimistic" doc:"Home Assistant shows a command as done before the appliance says so."`
	Allow       []string `koanf:"allow" doc:"LG's properties (resource.name) that thinq2mqtt does not know and that may start, heat, open, unlock, dispense or release something all the same."`
}

// Mappings are what a user wants to see otherwise.
type Mappings map[string]map[string]Mapping

// Mapping is what a user wants to see otherwise of one entity. What is not set
// stays as it is.
type Mapping struct {
	Name    string            `koanf:"name" doc:"Name of the entity."`
	Icon    string            `koanf:"icon" doc:"Icon, as in mdi:washing-machine."`
	Class   *string           `koanf:"class" doc:"Device class of Home Assistant; empty: none."`
	Unit    *string           `koanf:"unit" doc:"Unit of measurement; empty: none."`
	Enabled *bool             `koanf:"enabled" doc:"Whether the entity is enabled when Home Assistant first sees it."`
	Hide    *bool             `koanf:"hide" doc:"Make no entity of it; it stays in the state document and can be set there."`
	Options map[string]string `koanf:"options" doc:"Labels by word, as in end: Finished."`
}

// defaults is the configuration before any file or variable.
func defaults() Config {
	return Config{
		ThinQ: defaultAccount(),
		MQTT:  MQTT{URL: "mqtt://localhost:1883", BaseTopic: "thinq2mqtt"},
		HomeAssistant: HomeAssistant{
			Enabled: true, DiscoveryPrefix: "homeassistant", Language: "en", TemperatureUnit: "auto",
		},
		HTTP:     HTTP{Listen: "127.0.0.1:8099"},
		StateDir: "/var/lib/thinq2mqtt",
		Log:      Log{Level: "info", Format: "auto"},
	}
}

// defaultAccount is an account before it is configured.
func defaultAccount() Account {
	return Account{
		Events:    "mqtt",
		OAuth:     OAuth{RedirectURL: "http://127.0.0.1:8765/callback", API: "v2"},
		Budget:    Budget{CallsPerHour: 100, BackgroundPerHour: 40},
		Reconcile: 30 * time.Minute,
	}
}
