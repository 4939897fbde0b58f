/** German. */
import type {Catalogue} from './catalogue.ts'
import {PAPER} from './paper.ts'
import {GERMAN_SERVICES} from './services/german.ts'

export const GERMAN: Catalogue = {
  name: 'Deutsch',
  words: {
    ...PAPER.de,
    ...GERMAN_SERVICES,
    'starting.title': 'Automat startet',
    'starting.instruction': 'Dieser Automat wird vorbereitet. Bitte warten Sie.',
    'recovering.title': 'Gleich bereit',
    'recovering.instruction': 'Dieser Automat prüft seine Aufzeichnungen. Bitte warten Sie.',
    'resting.title': 'Einen Moment',
    'resting.instruction': 'Bitte warten Sie.',
    'idle.title': 'Willkommen',
    'idle.instruction': 'Bitte führen Sie Ihre Karte ein.',
    'offline.title': 'Zurzeit nicht verfügbar',
    'offline.instruction':
      'Ihre Bank ist gerade nicht erreichbar. Kommen Sie später wieder oder nehmen Sie einen anderen Automaten.',
    'outOfService.title': 'Außer Betrieb',
    'outOfService.instruction': 'Es tut uns leid. Bitte nehmen Sie einen anderen Automaten.',
    'supervisor.title': 'Wartung',
    'supervisor.instruction': 'Dieser Automat wird gerade gewartet. Bitte nehmen Sie einen anderen.',
    'servicing.title': 'Wartung',
    'servicing.instruction': 'Dieser Automat wird gerade gewartet. Bitte nehmen Sie einen anderen.',
    'closingDay.title': 'Einen Moment',
    'closingDay.instruction': 'Dieser Automat macht mit der Bank den Tagesabschluss. Bitte warten Sie.',
    'suspended.title': 'Außer Betrieb',
    'suspended.instruction':
      'Es tut uns leid. Dieser Automat wartet auf den Techniker. Bitte nehmen Sie einen anderen.',

    'enteringPin.title': 'Geben Sie Ihre PIN ein',
    'enteringPin.instruction':
      'Verdecken Sie die Tastatur mit der Hand, tippen Sie Ihre PIN und drücken Sie Bestätigen.',
    'verifyingPin.title': 'Einen Moment',
    'verifyingPin.instruction': 'Wir prüfen Ihre Karte bei Ihrer Bank.',
    'choosingService.title': 'Was möchten Sie tun?',
    'choosingService.instruction': 'Wählen Sie mit den Tasten neben dem Bildschirm.',
    'askingBalance.title': 'Einen Moment',
    'askingBalance.instruction': 'Wir fragen Ihre Bank nach dem Kontostand.',
    'showingBalance.title': 'Verfügbarer Betrag',
    'showingBalance.instruction': '{account}',
    'showingBalance.account': 'Ihr Konto',
    'showingBalance.missing':
      'Ihr Kontostand kann nicht angezeigt werden. Gehen Sie bitte zurück und versuchen Sie es noch einmal.',
    'choosingAmount.title': 'Wie viel möchten Sie?',
    'choosingAmount.instruction': 'Wählen Sie einen Betrag oder tippen Sie einen anderen ein.',
    'choosingAmount.hint': 'Vielfache von {multiple}, bis {most}',
    'choosingAmount.typed': 'Weiter mit Bestätigen, berichtigen mit Korrektur.',
    'amountRefused.title': 'Diesen Betrag können wir nicht auszahlen',
    'amountRefused.near': 'Wählen Sie einen Betrag in der Nähe oder tippen Sie einen anderen ein.',
    'amountRefused.none': 'Bitte tippen Sie einen anderen Betrag ein.',
    'confirmingFee.title': 'Es fällt ein Entgelt an',
    'confirmingFee.instruction': 'Stimmen Sie zu, oder nehmen Sie Ihre Karte kostenlos zurück.',
    'authorizing.title': 'Einen Moment',
    'authorizing.instruction': 'Wir fragen Ihre Bank. Abbrechen ist jetzt nicht mehr möglich.',
    'returningCardBeforeCash.title': 'Bitte nehmen Sie Ihre Karte',
    'returningCardBeforeCash.instruction': 'Ihr Geld kommt, sobald Sie die Karte genommen haben.',
    'dispensing.counting.title': 'Ihr Geld wird gezählt',
    'dispensing.counting.instruction': 'Bitte warten Sie vor dem Geldfach.',
    'dispensing.coming.title': 'Ihr Geld kommt',
    'dispensing.coming.instruction': 'Warten Sie auf den letzten Schein und nehmen Sie dann alle.',
    'presenting.title': 'Bitte nehmen Sie Ihr Geld',
    'presenting.instruction': 'Nehmen Sie alle Scheine aus dem Geldfach.',
    'presenting.part': 'Teil {part} von {parts}. Die nächsten Scheine folgen sofort.',
    'presenting.lastPart': 'Teil {part} von {parts}, der letzte.',
    'retracting.title': 'Ihr Geld wurde nicht genommen',
    'retracting.instruction': 'Die Scheine werden eingezogen. Bitte warten Sie.',
    'rejecting.title': 'Einen Moment',
    'rejecting.instruction':
      'Die Scheine konnten nicht ausgegeben werden und werden weggelegt. Bitte warten Sie.',
    'returningCard.title': 'Bitte nehmen Sie Ihre Karte',
    'returningCard.instruction': 'Ihre Karte steckt im Schlitz.',
    'retainingCard.title': 'Ihre Karte bleibt im Automaten',

    'notice.balanceUnavailable': 'Ihre Bank kann den Kontostand gerade nicht nennen.',
    'notice.cannotPay': 'Aus den Scheinen im Automaten lässt sich dieser Betrag nicht bilden.',

    'ending.goodbye.title': 'Auf Wiedersehen',
    'ending.goodbye.instruction': 'Es wurde nichts abgehoben. Auf Wiedersehen.',
    'ending.timedOut.title': 'Ihr Besuch ist beendet',
    'ending.timedOut.instruction':
      'Wir haben keine Antwort bekommen und deshalb hier beendet. Es wurde nichts abgehoben.',
    'ending.paid.title': 'Vielen Dank',
    'ending.paid.instruction': 'Ihre Auszahlung ist abgeschlossen. Auf Wiedersehen.',
    'ending.paidNow.title': 'Bitte nehmen Sie Ihr Geld',
    'ending.paidNow.instruction':
      'Nehmen Sie alle Scheine aus dem Geldfach. Vielen Dank und auf Wiedersehen.',
    'ending.partlyPaid.title': 'Nur ein Teil wurde ausgezahlt',
    'ending.partlyPaid.instruction':
      'Sie erhalten {paid} von {asked}. Ihr Konto wird nur mit {paid} belastet. Bewahren Sie die Referenz auf.',
    'ending.notPaid.title': 'Es wurde kein Geld ausgezahlt',
    'ending.notPaid.instruction':
      '{because} Ihr Konto wird nicht belastet: Wir sagen Ihrer Bank, dass sie den Betrag freigibt.',
    'ending.beingChecked.title': 'Ihre Auszahlung wird geprüft',
    'ending.beingChecked.instruction':
      'Wir wissen noch nicht, ob Sie alle Scheine erhalten haben. Nehmen Sie alle, die Sie sehen. Ihre Bank erfährt davon und prüft. Bewahren Sie die Referenz auf.',
    'ending.declined.title': 'Ihre Bank hat nicht zugestimmt',
    'ending.declined.instruction': '{because} Es wurde nichts abgehoben.',
    'ending.bankUnreachable.title': 'Ihre Bank ist nicht erreichbar',
    'ending.bankUnreachable.instruction':
      'Es wurde nichts abgehoben. Bitte versuchen Sie es später noch einmal.',
    'ending.cardUnreadable.title': 'Diese Karte ist nicht lesbar',
    'ending.cardUnreadable.instruction':
      'Prüfen Sie, wie herum sie hineingehört, oder nehmen Sie eine andere Karte.',
    'ending.pinPadFailed.title': 'Die Tastatur ist gestört',
    'ending.pinPadFailed.instruction':
      'Es tut uns leid. Es wurde nichts abgehoben. Bitte nehmen Sie einen anderen Automaten.',
    'ending.outOfService.title': 'Dieser Automat ist außer Betrieb',
    'ending.outOfService.instruction': 'Es tut uns leid. Bitte nehmen Sie einen anderen Automaten.',

    'notPaid.customer-cancelled': 'Die Auszahlung wurde abgebrochen.',
    'notPaid.malfunction': 'Zwischen Automat und Bank ist etwas schiefgegangen.',
    'notPaid.unable-to-complete': 'Der Automat konnte die Scheine nicht abzählen.',
    'notPaid.malfunction-card-retained': 'Ihre Karte konnte nicht zurückgegeben werden.',
    'notPaid.malfunction-no-cash': 'Der Automat konnte die Scheine nicht ausgeben.',
    'notPaid.not-taken': 'Die Scheine wurden nicht rechtzeitig genommen und sind wieder im Automaten.',
    'notPaid.card-not-taken': 'Ihre Karte wurde nicht rechtzeitig genommen.',
    'notPaid.no-answer': 'Ihre Bank hat nicht rechtzeitig geantwortet.',

    'declined.other': 'Sie nannte den Code {code}.',
    'declined.limit': 'Der Betrag liegt über dem Limit Ihrer Karte.',
    'declined.count': 'Ihre Karte wurde heute zu oft benutzt.',
    'declined.funds': 'Das Guthaben reicht nicht aus.',
    'declined.expired': 'Ihre Karte ist abgelaufen.',
    'declined.pinTries': 'Es wurde zu oft eine falsche PIN eingegeben.',
    'declined.card': 'Sie kennt diese Karte nicht.',
    'declined.service': 'Ihre Karte ist dafür nicht vorgesehen.',
    'declined.bank': 'Sie kann gerade nicht antworten. Bitte versuchen Sie es später.',

    'card.leftInMouth': 'Ihre Karte steckt noch im Schlitz. Bitte nehmen Sie sie.',
    'card.stuck': 'Ihre Karte steckt im Automaten fest. Bitte rufen Sie Ihre Bank an.',
    'card.pin-tries':
      'Ihre Karte wurde einbehalten, weil zu oft eine falsche PIN eingegeben wurde. Bitte rufen Sie Ihre Bank an.',
    'card.bank-says-so': 'Ihre Bank hat verlangt, die Karte einzubehalten. Bitte rufen Sie Ihre Bank an.',
    'card.not-taken':
      'Ihre Karte wurde nicht rechtzeitig genommen und ist sicher verwahrt. Bitte rufen Sie Ihre Bank an.',
    'card.found-at-start':
      'Im Automaten steckte noch eine Karte. Sie ist sicher verwahrt. Bitte rufen Sie Ihre Bank an.',

    'choice.withdrawal': 'Geld abheben',
    'choice.balance': 'Kontostand zeigen',
    'choice.menu': 'Zurück zum Menü',
    'choice.continue': 'Weiter',
    'choice.otherAmount': 'Anderer Betrag',
    'choice.acceptFee': 'Zustimmen und weiter',
    'choice.cancel': 'Karte zurück',
    'choice.done': 'Fertig',

    'figure.amount': 'Bargeld',
    'figure.fee': 'Entgelt',
    'figure.total': 'Belastung',
    'figure.asked': 'Gewünscht',
    'figure.paid': 'Ausgezahlt',
    'figure.card': 'Karte mit Endziffern {digits}',
    'figure.reference': 'Referenz',

    'look.label': 'Anzeige',
    'key.dot': 'Punkt',
    'key.clear': 'Korrektur',
    'key.00': 'null null',
    'voice.on': 'Die Sprachausgabe ist an.',
    'voice.again': 'Zum Wiederholen drücken Sie {key}.',
    'voice.louder': 'Für die Lautstärke drücken Sie {key}.',
    'voice.look': 'Um den Bildschirm zu verdunkeln oder anders darzustellen, drücken Sie {key}.',
    'voice.dark': 'Der Bildschirm ist dunkel.',

    'key.enter': 'Bestätigen',
    'key.cancel': 'Abbruch',
    'speech.key': 'Für {choice} drücken Sie {key}.',
    'speech.softKey': 'Für {choice} drücken Sie die Taste daneben, Taste {key}.',
    'speech.typed': 'Sie haben {amount} eingetippt.',
  },
  plurals: {
    'notice.pinWrong': {
      one: 'Diese PIN war nicht richtig. Sie haben noch {count} Versuch.',
      other: 'Diese PIN war nicht richtig. Sie haben noch {count} Versuche.',
    },
  },
}
