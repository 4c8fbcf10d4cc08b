import { describeKills } from './kills.ts';

describeKills('redis');
