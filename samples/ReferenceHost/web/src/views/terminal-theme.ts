import type { ITheme } from '@xterm/xterm';

export const terminalTheme: ITheme = {
  background: '#070a0f', foreground: '#d3dae6', cursor: '#5aa2ff', cursorAccent: '#070a0f', selectionBackground: '#2b4a78',
  black: '#1a2130', red: '#f2667a', green: '#3ecf8e', yellow: '#e5b454', blue: '#5aa2ff', magenta: '#b48cf2', cyan: '#4cc9d8', white: '#d3dae6',
  brightBlack: '#5b6880', brightRed: '#ff8a9a', brightGreen: '#63e6ab', brightYellow: '#f5cd79', brightBlue: '#86bcff', brightMagenta: '#cdb0ff', brightCyan: '#7ce0ec', brightWhite: '#ffffff',
};
