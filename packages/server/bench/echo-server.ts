/** The yardstick: the least a Fastify server can do with a JSON body. */
import fastify from 'fastify';

const app = fastify();
app.post('/echo', async (request) => request.body);
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
