/** German, for the services beside cash: more time, accounts, transfers, bookings, the PIN. */
import type {ENGLISH_SERVICES} from './english.ts'

export const GERMAN_SERVICES: Readonly<Record<keyof typeof ENGLISH_SERVICES, string>> = {
  'moreTime.title': 'Brauchen Sie mehr Zeit?',
  'moreTime.instruction': 'Ohne Antwort bekommen Sie Ihre Karte zurück.',
  'offeringTime.instruction': 'Wenn ja, tippen Sie Ihre PIN bitte noch einmal von vorn.',
  'choice.moreTime': 'Ja, mehr Zeit',
  'choice.noMoreTime': 'Nein, Karte zurück',
  'choosingAccount.title': 'Welches Konto?',
  'choosingAccount.instruction': 'Wählen Sie ein Konto mit den Tasten neben dem Bildschirm.',
  'askingAnother.title': 'Möchten Sie noch etwas?',
  'askingAnother.instruction': 'Ihre Karte ist noch im Automaten.',
  'choice.another': 'Ja, noch etwas',

  'choice.transfer': 'Geld überweisen',
  'choosingTarget.title': 'Auf welches Konto?',
  'choosingTarget.own': 'Wählen Sie eines Ihrer Konten oder tippen Sie eine Kontonummer ein.',
  'choosingTarget.instruction': 'Tippen Sie die Kontonummer auf der Tastatur ein.',
  'askingPayee.instruction': 'Wir fragen Ihre Bank, wem dieses Konto gehört.',
  'choosingSum.title': 'Wie viel möchten Sie überweisen?',
  'choosingSum.instruction': 'Tippen Sie den Betrag auf der Tastatur ein.',
  'choosingSum.hint': 'Bis {most}',
  'confirmingTransfer.title': 'Bitte prüfen Sie Ihre Überweisung',
  'confirmingTransfer.instruction': 'Es ist noch nichts überwiesen.',
  'choice.confirmTransfer': 'Jetzt überweisen',
  'figure.from': 'Von',
  'figure.to': 'An',
  'figure.payee': 'Empfänger',
  'figure.sum': 'Betrag',
  'showingTransfer.title': 'Ihre Überweisung ist ausgeführt',
  'showingTransfer.instruction': 'Bewahren Sie die Referenz auf.',
  'notice.transferDeclined': 'Die Überweisung wurde nicht ausgeführt. {because}',
  'notice.payeeUnknown': 'Auf dieses Konto kann dieser Automat nicht überweisen.',
  'ending.transferReversed.title': 'Die Überweisung wurde nicht ausgeführt',
  'ending.transferReversed.instruction':
    'Ihre Bank hat nicht rechtzeitig geantwortet. Ihr Konto wird nicht belastet: Wir sagen Ihrer Bank, dass sie nichts ausführt. Bewahren Sie die Referenz auf.',
  'speech.typedNumber': 'Sie haben {digits} eingetippt.',

  'choice.statement': 'Letzte Buchungen zeigen',
  'askingStatement.instruction': 'Wir fragen Ihre Bank nach den letzten Buchungen.',
  'showingStatement.title': 'Ihre letzten Buchungen',
  'showingStatement.page': '{account}, Seite {page} von {pages}',
  'showingStatement.empty': 'Es gibt noch keine Buchungen.',
  'showingStatement.missing':
    'Ihre Buchungen können nicht angezeigt werden. Versuchen Sie es bitte noch einmal.',
  'notice.statementUnavailable': 'Ihre Bank kann die letzten Buchungen gerade nicht nennen.',
  'choice.nextPage': 'Nächste Seite',
  'choice.previousPage': 'Vorige Seite',
  'choice.goOn': 'Weiter',
  'booking.withdrawal': 'Bargeld abgehoben',
  'booking.deposit': 'Bargeld eingezahlt',
  'booking.sent': 'Überweisung',
  'booking.received': 'Gutschrift',

  'choice.pinChange': 'PIN ändern',
  'enteringNewPin.title': 'Wählen Sie eine neue PIN',
  'enteringNewPin.instruction':
    'Verdecken Sie die Tastatur mit der Hand, tippen Sie eine neue PIN und drücken Sie Bestätigen.',
  'repeatingNewPin.title': 'Tippen Sie die neue PIN noch einmal',
  'repeatingNewPin.instruction':
    'Verdecken Sie die Tastatur mit der Hand, tippen Sie dieselbe PIN und drücken Sie Bestätigen.',
  'changingPin.instruction':
    'Wir teilen Ihrer Bank die neue PIN mit. Abbrechen ist jetzt nicht mehr möglich.',
  'showingPinChanged.title': 'Ihre PIN ist geändert',
  'showingPinChanged.instruction': 'Ab jetzt gilt nur noch die neue PIN.',
  'notice.pinsDiffer': 'Die beiden PINs waren nicht gleich. Bitte wählen Sie noch einmal.',
  'notice.pinWeak': 'Diese PIN ist zu leicht zu erraten. Bitte wählen Sie eine andere.',
  'notice.pinNotChanged': 'Ihre PIN wurde nicht geändert. {because}',
  'ending.pinUnknown.title': 'Wir wissen nicht, ob Ihre PIN geändert ist',
  'ending.pinUnknown.instruction':
    'Ihre Bank hat nicht geantwortet. Versuchen Sie nächstes Mal zuerst die neue PIN; ist sie falsch, gilt noch die alte. Bewahren Sie die Referenz auf.',
}
