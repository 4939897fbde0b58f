import tseslint from 'typescript-eslint'

// The strictest published set; what is switched off has its reason beside it.
export default tseslint.config(
  {ignores: ['node_modules/', '.tap/', '.cache/', 'state/', 'eslint.config.js']},
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: false,
        project: ['./tsconfig.json', './tsconfig.page.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    linterOptions: {reportUnusedDisableDirectives: 'error'},
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', {considerDefaultExhaustiveForUnions: true}],
      '@typescript-eslint/consistent-type-imports': ['error', {fixStyle: 'separate-type-imports'}],
      '@typescript-eslint/consistent-type-assertions': ['error', {assertionStyle: 'never'}],
      '@typescript-eslint/only-throw-error': 'error',
      // The compiler refuses enums (erasableSyntaxOnly); looking for misuse of them took an eighth of the run.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        {argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all'},
      ],
      // Numbers in messages are what messages are for.
      '@typescript-eslint/restrict-template-expressions': ['error', {allowNumber: true}],
      // A port's method may be async by contract and synchronous in one implementation.
      '@typescript-eslint/require-await': 'off',
      'no-empty': ['error', {allowEmptyCatch: false}],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ThrowStatement > NewExpression[callee.name="Error"]',
          message: 'Throw a named error of kit/errors.ts.',
        },
      ],
      eqeqeq: 'error',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // tap's test functions return promises that the runner awaits.
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-non-null-assertion': 'error',
    },
  },
)
