//! A database's URL in full, for the environment of a program that is to use it.

use super::tls::RootCert;
use super::uri::encode;
use super::url::DatabaseUrl;

impl DatabaseUrl {
    /// The URL with its password and the parameters that say where and how to connect, in the form that libpq and sqlx
    /// read (without SQLAlchemy's driver). For a child's environment, never for an output.
    pub fn reveal(&self) -> String {
        let parts = &self.0;
        let user = match (&parts.user, &parts.password) {
            (None, None) => String::new(),
            (user, password) => {
                let user = encode(user.as_deref().unwrap_or_default());
                let password = password.as_ref().map(|it| format!(":{}", encode(it.reveal())));
                format!("{user}{}@", password.unwrap_or_default())
            }
        };
        let mut parameters: Vec<(&str, String)> = Vec::new();
        let hosts = match parts.hosts.iter().any(|host| host.starts_with('/')) || parts.hosts.is_empty() {
            // A socket's folder can only be a parameter; then all hosts are.
            true => {
                parameters.push(("host", parts.hosts.join(",")));
                let ports =
                    parts.ports.iter().map(|port| port.map(|port| port.to_string()).unwrap_or_default());
                parameters.push(("port", ports.collect::<Vec<_>>().join(",")));
                String::new()
            }
            false => self.hosts_and_ports(),
        };
        parameters.push(("hostaddr", parts.hostaddrs.join(",")));
        parameters.push(("sslmode", parts.sslmode.map(|it| it.as_str().to_owned()).unwrap_or_default()));
        let root = parts.sslrootcert.as_ref().map(|root| match root {
            RootCert::System => "system".to_owned(),
            RootCert::File(path) => path.display().to_string(),
        });
        parameters.push(("sslrootcert", root.unwrap_or_default()));
        for (name, path) in
            [("sslcert", &parts.sslcert), ("sslkey", &parts.sslkey), ("passfile", &parts.passfile)]
        {
            parameters.push((name, path.as_ref().map(|path| path.display().to_string()).unwrap_or_default()));
        }
        let options = parts.options.iter().map(|(name, value)| format!("-c {name}={}", escaped(value)));
        parameters.push(("options", options.collect::<Vec<_>>().join(" ")));
        let attrs = parts.attrs.map(|attrs| attrs.as_str().to_owned());
        parameters.push(("target_session_attrs", attrs.unwrap_or_default()));
        let said = parameters.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<String> = said.map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let database = encode(parts.dbname.as_deref().unwrap_or_default());
        format!("postgresql://{user}{hosts}/{database}{mark}{}", query.join("&"))
    }
}

/// A value among `options`: words end at white space.
fn escaped(value: &str) -> String {
    let mut text = String::new();
    for letter in value.chars() {
        if letter.is_whitespace() || letter == '\\' {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::DatabaseUrl;

    #[test]
    fn it_says_the_same_as_what_was_parsed() {
        for (text, expected) in [
            ("postgres://u:p%40s@h:1/d?sslmode=require", "postgresql://u:p%40s@h:1/d?sslmode=require"),
            ("postgresql+asyncpg://u@h/d", "postgresql://u@h/d"),
            ("postgresql:///d?host=/run/x&port=7", "postgresql:///d?host=%2Frun%2Fx&port=7"),
            ("postgresql://a:1,b:2/d", "postgresql://a:1,b:2/d"),
            ("postgresql:///d?options=-c a=b%5C c", "postgresql:///d?options=-c%20a%3Db%5C%20c"),
        ] {
            let url = DatabaseUrl::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(url.reveal(), expected);
            assert!(DatabaseUrl::parse(&url.reveal()).is_ok_and(|again| again == url), "{text}");
        }
    }
}
