//! Which endpoint a path belongs to.

use crate::action::View;
use crate::resource::Child;
use crate::site::{Endpoint, Site};

/// What a path leads to.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    List(&'a Endpoint),
    Detail(&'a Endpoint, &'a str),
    /// An extra route on the collection, or on the row with this key.
    Action(&'a Endpoint, &'a str, Option<&'a str>),
    Child(&'a Endpoint, &'a Child, &'a str),
    View(&'a View),
}

impl Site {
    pub(crate) fn route<'a>(&'a self, path: &'a str) -> Option<Target<'a>> {
        if let Some(view) = self.views.iter().find(|view| view.path == path) {
            return Some(Target::View(view));
        }
        self.endpoints
            .iter()
            .find_map(|endpoint| route_in(endpoint, path))
    }
}

fn route_in<'a>(endpoint: &'a Endpoint, path: &'a str) -> Option<Target<'a>> {
    let resource = &endpoint.resource;
    let rest = path.strip_prefix(resource.path.as_str())?;
    if rest.is_empty() {
        return Some(Target::List(endpoint));
    }
    // Below `/items/` URLs end with a slash, below `/items` they do not.
    let rest = match resource.path.ends_with('/') {
        true => rest.strip_suffix('/')?,
        false => rest.strip_prefix('/')?,
    };
    let mut segments = rest.split('/');
    let (first, second, third) = (segments.next()?, segments.next(), segments.next());
    let is_action = |name: &str, detail: bool| {
        resource
            .actions
            .iter()
            .any(|action| action.name == name && action.detail == detail)
    };
    if third.is_some() || first.is_empty() || first.contains('.') {
        return None;
    }
    match second {
        None if is_action(first, false) => Some(Target::Action(endpoint, first, None)),
        None if resource.has_no_details() => None,
        None => Some(Target::Detail(endpoint, first)),
        Some(name) if is_action(name, true) => Some(Target::Action(endpoint, name, Some(first))),
        Some(name) => {
            let child = resource.children.iter().find(|child| child.name == name)?;
            Some(Target::Child(endpoint, child, first))
        }
    }
}
