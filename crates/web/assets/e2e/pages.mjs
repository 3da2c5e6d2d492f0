// The pages that are looked at, with the persona they are for.
export const pages = [
  { name: "front", path: "/" },
  { name: "login", path: "/login" },
  { name: "help", path: "/help" },
  { name: "privacy", path: "/privacy" },
  { name: "accessibility", path: "/accessibility" },
  { name: "api", path: "/api" },
  { name: "account", persona: "researcher", path: "/account" },
];
