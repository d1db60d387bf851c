#!/usr/bin/env -S node --conditions=pantoken-source
import '../src/main.ts';
