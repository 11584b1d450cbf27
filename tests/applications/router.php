<?php
// An application on PHP's built-in server.

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
switch ($path) {
    case '/seen':
        $body = file_get_contents('php://input');
        file_put_contents('uploads/seen', '.', FILE_APPEND);
        header('Content-Type: application/json');
        echo json_encode([
            'method' => $_SERVER['REQUEST_METHOD'],
            'target' => $_SERVER['REQUEST_URI'],
            'fields' => getallheaders(),
            'length' => strlen($body),
            'sha256' => hash('sha256', $body),
        ], JSON_INVALID_UTF8_SUBSTITUTE);
        break;
    case '/page':
        header('X-Application: old');
        header('Set-Cookie: one=1; Path=/; HttpOnly', false);
        header('Set-Cookie: two=2; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT', false);
        header('Content-Type: text/html; charset=utf-8');
        echo 'Voilà la réponse.';
        break;
    case '/moved':
        header('Location: /page?x=%C3%A9', true, 302);
        break;
    case '/none':
        http_response_code(204);
        break;
    case '/events':
        header('Content-Type: text/event-stream');
        echo "data: first\n\n";
        flush();
        for ($i = 0; $i < 1000 && !file_exists('go'); $i++) {
            usleep(10000);
            clearstatcache();
        }
        echo "data: second\n\n";
        break;
    default:
        return false; // the server's own files
}
