// What people see at the provider. No page needs a script, except that the sign-out page sends its form by itself.

const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escape = (text) => String(text ?? '').replace(/[&<>"']/g, (character) => ESCAPES[character]);

function page(title, body) {
  return `<!DOCTYPE html>
<html lang="fr">
<head><meta charset="utf-8"><title>${escape(title)}</title></head>
<body><main><h1>${escape(title)}</h1>
${body}
</main></body>
</html>
`;
}

/** One button for each account, and one for each way that a sign-in fails at ProConnect. */
export function signInPage({ action, client, accounts, failures }) {
  const person = ({ name, shows, acr, claims }) =>
    `<li><button name="account" value="${escape(name)}">${escape(claims.given_name)} ${escape(claims.usual_name)}`
    + ` (${escape(claims.email)}, ${escape(acr)})</button> ${escape(shows)}</li>`;
  const failure = ([code, { title }]) =>
    `<li><button name="failure" value="${escape(code)}">${escape(code)}</button> ${escape(title)}</li>`;
  return page(`Se connecter ou s'inscrire à ${client}`, `<form method="post" action="${escape(action)}">
<ul>
${accounts.map(person).join('\n')}
</ul>
<h2>Erreurs</h2>
<ul>
${failures.map(failure).join('\n')}
</ul>
</form>`);
}

/** An error page; with `back`, the link that takes the error to the client. */
export function errorPage(code, text, back) {
  const link = back ? `<p><a href="${escape(back)}">Réessayer de vous connecter</a></p>` : '';
  return page('Une erreur est survenue', `<p>${escape(text)}</p>
<p>code d'erreur : <code>${escape(code)}</code></p>
${link}`);
}

/** The engine's form, completed: a browser with scripts sends it at once, any other has the button. */
export function confirmLogoutPage(form) {
  const fields = '<input type="hidden" name="logout" value="yes"><button>Se déconnecter</button>';
  return page('Déconnexion', `${form.replace('</form>', `${fields}</form>`)}
<script>document.forms[0].submit();</script>`);
}

export function signedOutPage() {
  return page('Vous êtes bien déconnecté', '<p>Vous pouvez fermer cette fenêtre.</p>');
}
