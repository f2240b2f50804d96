/** Starts the page. */
import { mount } from 'svelte';

import App from './App.svelte';
import './shared/theme.css';
import './shared/elements.css';

const target = document.getElementById('app');
if (target) mount(App, { target });
