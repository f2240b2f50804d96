/** The dialogs of users and devices, in one file that is loaded when the first of them opens. */
export { default as DeleteDevice } from './DeleteDevice.svelte';
export { default as DeleteUser } from './DeleteUser.svelte';
export { default as DeviceForm } from './DeviceForm.svelte';
export { default as UserForm } from './UserForm.svelte';
